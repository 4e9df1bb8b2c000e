// Stopping or starting the daemon disturbed the data path: up to 0.7.1 with a new device, later by tidying up at the end.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('K01: however daemons end and start, nothing is taken down and nothing changes', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    const file = () => node1.run(['cat', '/run/flannel/subnet.env']);
    const before = await file();
    const [leases, pinging] = await Promise.all([cluster.store.leases(), cluster.startPinging()]);
    const watches = await Promise.all(cluster.nodes.map(node => cluster.watchRoutes(node)));

    for (const node of cluster.nodes) {
      const asked = performance.now();
      expect(await node.daemon.stop()).toBe(0);
      expect(performance.now() - asked).toBeLessThan(5000);
      await cluster.untilSubnetFileWritten(node, () => node.daemon.start());
    }
    await cluster.restartDaemon(node1, 'SIGKILL');
    await node1.daemon.stop();
    {
      await using _ = await cluster.fault.stopEtcd();
      await node1.daemon.start();
      await cluster.expectLog(node1, /etcd|connection refused/);
    }
    await cluster.expectConverged();

    expect((await pinging.stop()).details, 'lost pings').toEqual([]);
    for (const watch of watches) expect((await watch.stop()).deleted).toEqual([]);
    expect((await file()).stdout).toBe(before.stdout);
    expect(await cluster.store.leases()).toEqual(leases);
  });
});

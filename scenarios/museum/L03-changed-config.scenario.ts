// A changed network or backend left the routes and devices of the former one behind: all of upstream.
import { type Cluster, expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3, docker: false } });

  test('L03: a new network counts from the next start on, and nothing stays of the former one', async ({
    cluster,
  }) => {
    await cluster.expectConverged();
    const watches = await Promise.all(cluster.nodes.map(node => cluster.watchRoutes(node)));
    await cluster.store.putConfig({ ...cluster.spec.config, Network: '10.6.0.0/16' });
    for (const watch of watches) expect((await watch.stop({ after: 1000 })).all, 'while running').toEqual([]);
    await restartTogether(cluster);
    await cluster.expectConverged();
    for (const node of cluster.nodes) {
      expect((await cluster.subnet(node)).gateway).toMatch(/^10\.6\./);
      expect((await node.run(['ip', 'route'])).stdout).not.toContain('10.5.');
    }
  });

  test('L07: a new backend counts from the next start on, and no node keeps a route of the former one', async ({
    cluster,
  }) => {
    await cluster.expectConverged();
    await cluster.store.putConfig({ ...cluster.spec.config, Backend: { Type: 'host-gw' } });
    await restartTogether(cluster);
    await cluster.expectConverged();
    for (const node of cluster.nodes)
      expect((await node.run(['ip', 'route'])).stdout).not.toContain('dev flannel.1');
  });
});

/** Nobody is there to see the others' former leases go. */
async function restartTogether(cluster: Cluster): Promise<void> {
  await Promise.all(cluster.nodes.map(node => node.daemon.stop()));
  await Promise.all(
    cluster.nodes.map(node => cluster.untilSubnetFileWritten(node, () => node.daemon.start())),
  );
}

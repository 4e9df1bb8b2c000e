// A running cluster moves from etcd's v2 store to the v3 store, node by node: subnets stay, and no ping is lost.
import { migrate } from '../harness/migrate/migrate.ts';
import { Store } from '../harness/store.ts';
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({ platform, spec: { nodes: 3, etcdApi: 2 } });

  test('configuration and leases are copied, and daemons that are started again go on in v3', async ({
    cluster,
  }) => {
    const endpoints = cluster.etcd.map(({ host }) => host);
    const prefix = cluster.spec.etcdPrefix;
    await using store = new Store(endpoints, prefix);
    const before = (await cluster.store.leases()).map(({ key, publicIp }) => [key, publicIp]);
    await cluster.expectReachable();
    const pinging = await cluster.startPinging();
    const plan = {
      from: { api: 'v2', endpoints },
      to: { api: 'v3', endpoints },
      prefix,
      dryRun: false,
    } as const;
    const { written, wrong } = await migrate(plan, AbortSignal.timeout(20_000));
    expect(wrong).toEqual([]);
    expect(written.length).toBe(4);
    for (const node of cluster.nodes) {
      await cluster.restartDaemon(node, 'SIGTERM');
      await cluster.expectLog(node, /using etcd v3/);
    }
    const { sent, details } = await pinging.stop();
    expect(sent).toBeGreaterThan(30);
    expect(details, 'lost pings').toEqual([]);
    expect((await store.leases()).map(({ key, publicIp }) => [key, publicIp]).sort()).toEqual(before.sort());
    expect((await migrate(plan, AbortSignal.timeout(20_000))).written).toEqual([]);
    await cluster.expectUniqueSubnets();
    await cluster.expectReachable();
  });
});

// A lease that ended while its daemon was cut off from etcd was not missed afterwards: upstream, where history was compacted.
import { expect, onEveryPlatform, test, until } from '../../harness/vitest/index.ts';
import { shortLease } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false, flags: shortLease } });

  test('B09: a daemon that was cut off past the end of its lease takes the same subnet again', async ({
    cluster,
  }) => {
    const { store } = cluster;
    const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
    const [lease, { pid }] = await Promise.all([store.leaseOf(node1.address), node1.daemon.state()]);
    const { subnet } = await cluster.subnet(node1);
    const cut = await cluster.fault.cutEtcd(node1);
    await cluster.expectNoRoute(subnet, [node2], 20_000);
    await store.bump(10);
    await store.compact();
    await cut.heal();
    const restored = async () => (await store.leaseOf(node1.address)) ?? undefined;
    const again = await until(restored, { what: 'node1 to restore its lease', timeout: 10_000 });
    expect(again).toEqual(lease);
    expect(await node1.daemon.state()).toEqual({ running: true, pid });
    await cluster.expectConverged();
  });
});

// A key that begins like a node's own ended its daemon: dual stack, a crash in 0.17 and later; a longer name (C14) in 0.18 on.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { macOf, vxlanRecord } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('C13, C14: keys that only begin like my own say nothing about my lease', async ({ cluster }) => {
    const { store } = cluster;
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    // A new lease is written a second time within seconds, which says nothing here.
    const records = async () =>
      (await store.dump()).map(({ key, value, created }) => ({ key, value, created }));
    const [lease, state, before] = await Promise.all([
      store.leaseOf(node1.address),
      node1.daemon.state(),
      records(),
    ]);
    const routes = await cluster.watchRoutes(cluster.node('node2'));
    for (const suffix of ['&fd00:1::-64', 'x', '&', '0']) {
      await store.put(`subnets/${lease?.key}${suffix}`, vxlanRecord('192.168.77.100', macOf(1)));
      await store.remove(`subnets/${lease?.key}${suffix}`);
    }
    await cluster.join('node3');
    await cluster.expectConverged();
    expect(await node1.daemon.state()).toEqual(state);
    expect(await records()).toEqual(expect.arrayContaining([...before]));
    expect((await routes.stop()).deleted).toEqual([]);
  });
});

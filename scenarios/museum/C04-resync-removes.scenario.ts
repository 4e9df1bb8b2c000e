// Reading everything anew removed the own subnet or live peers: upstream up to 0.5.2, in part since 0.22.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({ platform, spec: { nodes: 4 } });

  test('C04: a fresh reading after a gap removes nothing that is still there', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    const [routes, pinging] = await Promise.all([cluster.watchRoutes(node1), cluster.startPinging()]);
    const cut = await cluster.fault.cutEtcd(node1);
    await cluster.store.bump(10);
    await cluster.join('node5');
    await cluster.store.compact();
    await cut.heal();
    await cluster.expectConverged();
    expect((await routes.stop()).deleted).toEqual([]);
    expect((await pinging.stop()).details, 'lost pings').toEqual([]);
    expect(await node1.daemon.logs()).not.toMatch(/subnet removed|removed subnet/i);
  });
});

// Of several changes at once only the first was seen, and what came between two watches was lost: 0.18.0 to 0.21.2.
import { onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { vxlanPeers } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('C15: every change counts, in one transaction, side by side, and one after the other', async ({
    cluster,
  }) => {
    const { store } = cluster;
    await cluster.expectConverged();
    await store.transaction(vxlanPeers(100, 3));
    await cluster.expectConverged({ timeout: 5000 });
    await store.transaction({ ...vxlanPeers(110, 3), 'subnets/10.5.100.0-24': undefined });
    await cluster.expectConverged({ timeout: 5000 });

    const peers = Object.entries(vxlanPeers(120, 20));
    await Promise.all(peers.map(([key, value]) => store.put(key, value)));
    await cluster.expectConverged({ timeout: 5000 });
    await Promise.all(peers.map(([key]) => store.remove(key)));
    await cluster.expectConverged({ timeout: 5000 });
  });

  test('C21: a lease that comes and goes a hundred times ends as it was left', async ({ cluster }) => {
    const { store } = cluster;
    const [[there, value], [gone]] = Object.entries(vxlanPeers(150, 2)) as [
      [string, string],
      [string, string],
    ];
    for (let round = 0; round < 100; round++) {
      await store.transaction({ [there]: value, [gone]: value });
      await store.transaction({ [there]: undefined, [gone]: undefined });
    }
    await store.put(there, value);
    await cluster.expectConverged({ timeout: 5000 });
  });
});

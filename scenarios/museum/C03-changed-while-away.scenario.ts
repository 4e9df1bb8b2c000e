// A peer that got a new MAC while this node did not watch kept its old one here, for ever: all of upstream.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  for (const compaction of [true, false]) {
    const how = compaction ? 'and the history of it is compacted' : 'and is told by a plain reconnect';
    test(`C03: a peer changes its MAC while a node is cut off, ${how}`, async ({ cluster }) => {
      const { store } = cluster;
      const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
      await cluster.expectConverged();
      const before = await store.leaseOf(node2.address);
      const cut = await cluster.fault.cutEtcd(node1);
      await node2.daemon.stop();
      await node2.run(['ip', 'link', 'delete', 'flannel.1']);
      await cluster.untilSubnetFileWritten(node2, () => node2.daemon.start());
      const after = await store.leaseOf(node2.address);
      expect(after?.key).toBe(before?.key);
      expect(after?.vtepMac).not.toBe(before?.vtepMac);
      await store.bump(10);
      if (compaction) await store.compact();
      await cut.heal();
      await cluster.expectConverged({ timeout: 10_000 });
    });
  }
});

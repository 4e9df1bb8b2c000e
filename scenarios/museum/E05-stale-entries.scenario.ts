// A peer's former MAC stayed in the forwarding table: after a restart up to 0.4.1, after each change in all of upstream.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('E05: a peer with a new device leaves nothing of its former one', async ({ cluster }) => {
    const node2 = cluster.node('node2');
    const before = await cluster.store.leaseOf(node2.address);
    for (let round = 0; round < 2; round++) {
      await node2.daemon.stop();
      await node2.run(['ip', 'link', 'delete', 'flannel.1']);
      await cluster.untilSubnetFileWritten(node2, () => node2.daemon.start());
      await cluster.expectConverged({ timeout: 5000 });
    }
    expect((await cluster.store.leaseOf(node2.address))?.vtepMac).not.toBe(before?.vtepMac);
  });
});

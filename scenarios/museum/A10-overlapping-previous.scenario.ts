// The subnet of an old subnet.env was taken again although a lease of another length lay inside of it: 0.8 and later.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { macOf, vxlanRecord } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('A10: a former subnet that somebody has a part of is not taken again', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    const { gateway } = await cluster.subnet(node1);
    await node1.daemon.stop();
    await cluster.store.removeLease(node1.address);
    const inside = gateway.replace(/1\/24$/, '128-25');
    await cluster.store.put(`subnets/${inside}`, vxlanRecord('192.168.77.100', macOf(1)));
    await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
    expect((await cluster.subnet(node1)).gateway).not.toBe(gateway);
    await cluster.expectConverged();
  });
});

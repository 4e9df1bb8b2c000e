// Two nodes with one public IP (a NAT address on every VM) silently got one and the same subnet: all of upstream.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 1, docker: false } });

  test('A03: the second node with a public IP refuses to start, and the first keeps its lease', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    const before = await cluster.store.leaseOf(node1.address);
    const twin = await cluster.boot('node2', { flags: [`-public-ip=${node1.address}`] });
    await twin.daemon.start();
    expect(await cluster.expectEnd(twin)).not.toBe(0);
    expect(await twin.daemon.logs()).toMatch(/192\.168\.77\.11/);
    await twin.run(['test', '!', '-e', '/run/flannel/subnet.env']);
    expect(await cluster.store.leaseOf(node1.address)).toEqual(before);
  });

  test('A03: a node that is installed anew, with another MAC and no subnet.env, gets its subnet back', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    const before = await cluster.subnet(node1);
    await node1.daemon.stop();
    await node1.run(['sh', '-c', 'ip link delete flannel.1; rm /run/flannel/subnet.env']);
    await node1.daemon.start();
    expect(await cluster.subnet(node1)).toEqual(before);
    await cluster.expectConverged();
  });
});

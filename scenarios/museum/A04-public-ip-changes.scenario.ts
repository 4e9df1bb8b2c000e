// A node with a new address took a new subnet and left its old lease, and everybody's route to it, for a day: upstream.
import { expect, type NodeHandle, onEveryPlatform, test } from '../../harness/vitest/index.ts';

const moved = '192.168.77.33';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('A04: a node that starts with a new address keeps its subnet, and nobody asks for the old address', async ({
    cluster,
  }) => {
    const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
    const { gateway, subnet } = await cluster.subnet(node1);
    await node1.daemon.stop();
    await changeAddress(node1);
    await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
    expect((await cluster.subnet(node1)).gateway).toBe(gateway);
    expect(await cluster.store.leaseOf(node1.address)).toBeUndefined();
    expect((await cluster.store.leaseOf(moved))?.subnet).toEqual(subnet);
    const { stdout } = await node2.run(['sh', '-c', 'ip route; bridge fdb']);
    expect(stdout).not.toContain(node1.address);
  });
});

async function changeAddress(node: NodeHandle): Promise<void> {
  const commands = [
    `address delete ${node.address}/24 dev eth0`,
    `address add ${moved}/24 dev eth0`,
    'route replace default via 192.168.77.1',
  ];
  await node.run(['ip', '-batch', '-'], { input: commands.join('\n') });
}

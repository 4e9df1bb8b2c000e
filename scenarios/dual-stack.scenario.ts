// IPv6 beside IPv4 and IPv6 alone, with etcd: upstream's nodes share one subnet, or crash, where ours have their own.
import { type Cluster, expect, type NodeHandle, onEveryPlatform, test } from '../harness/vitest/index.ts';

const both = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };

/** The first address of the node's IPv6 subnet, which is on its tunnel device. */
async function base6(node: NodeHandle): Promise<string> {
  const { stdout } = await node.run(['cat', '/run/flannel/subnet.env']);
  return /^FLANNEL_IPV6_SUBNET=(.*)1\/64$/m.exec(stdout)?.[1] ?? expect.unreachable(stdout);
}

/** Each node's tunnel address pings each other one with the largest packet that fits. */
async function expectTunnels({ nodes }: Cluster, size: number): Promise<void> {
  const bases = await Promise.all(nodes.map(base6));
  expect(new Set(bases).size).toBe(nodes.length);
  for (const [at, node] of nodes.entries())
    for (const to of bases.toSpliced(at, 1)) {
      const answer = async () => (await ping(node, bases[at] ?? '', to, size)).code;
      await expect.poll(answer, { message: `${node.name} to ${to}` }).toBe(0);
    }
}

function ping(node: NodeHandle, from: string, to: string, size: number) {
  const payload = String(size - 48);
  return node.run(['ping', '-6', '-c1', '-w1', '-M', 'do', '-s', payload, '-I', from, to], {
    okCodes: [0, 1, 2],
  });
}

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3, config: both } });
  test('containers reach each other over IPv4, and nodes over IPv6', async ({ cluster }) => {
    await cluster.expectUniqueSubnets();
    await cluster.expectReachable();
    await expectTunnels(cluster, 1430);
    const [one, two] = await Promise.all([cluster.node('node1'), cluster.node('node2')].map(base6));
    const tooLarge = await ping(cluster.node('node1'), one ?? '', two ?? '', 1431);
    expect(tooLarge.stderr).toMatch(/message too long/i);
  });
});

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3, config: { ...both, EnableIPv4: false }, docker: false } });
  test('with IPv6 alone, nodes have subnets of their own, also after a restart', async ({ cluster }) => {
    await expectTunnels(cluster, 1430);
    const node = cluster.node('node1');
    const before = await base6(node);
    await cluster.restartDaemon(node, 'SIGKILL');
    expect(await base6(node)).toBe(before);
    await expectTunnels(cluster, 1430);
  });
});

// J06, J12, J16: a daemon that starts anew with other settings leaves only its own rules, and no ping is lost.
import { type Cluster, expect, type NodeHandle, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, flags: ['-iptables-resync=1'] } });

  test('J16: from iptables to nftables and back, with FORWARD dropping, no ping is lost and nothing is left', async ({
    cluster,
  }) => {
    for (const node of cluster.nodes) await node.run(['iptables', '-P', 'FORWARD', 'DROP']);
    await cluster.expectReachable();
    const before = await rules(cluster.node('node1'));
    expect(before).toContain('-j FLANNEL-POSTRTG');
    const pinging = await cluster.startPinging();

    await restart(cluster, { EnableNFTables: true });
    for (const node of cluster.nodes)
      await expect.poll(() => rules(node)).toMatch(/^(?!.*POSTRTG).*FLANNEL-FWD.*table ip flannel-ipv4/s);
    await cluster.expectReachable();
    await restart(cluster, { EnableNFTables: false });
    for (const node of cluster.nodes)
      await expect.poll(() => rules(node)).not.toContain('table ip flannel-ipv4');
    await expect.poll(() => rules(cluster.node('node1'))).toBe(before);

    expect((await pinging.stop()).details, 'lost pings').toEqual([]);
    await cluster.expectReachable();
  });

  test('J06: after a change of network and subnet no rule mentions the old ones', async ({ cluster }) => {
    await cluster.expectReachable();
    const node = cluster.node('node1');
    await node.run(['sh', '-c', flatRules('10.5.0.0/16')]);
    await restart(cluster, { Network: '10.77.0.0/16' });
    await expect.poll(() => rules(node)).toContain('10.77.0.0/16');
    await expect.poll(() => rules(node)).not.toContain('10.5.');
  });
});

async function restart(cluster: Cluster, change: Readonly<Record<string, unknown>>): Promise<void> {
  await cluster.store.putConfig({ ...cluster.spec.config, ...change });
  for (const node of cluster.nodes) await cluster.restartDaemon(node, 'SIGTERM');
}

/** What flannel wrote before it had a chain of its own. */
function flatRules(network: string): string {
  return `iptables -t nat -A POSTROUTING -s ${network} -d ${network} -j RETURN
iptables -t nat -A POSTROUTING -s ${network} ! -d 224.0.0.0/4 -j MASQUERADE
iptables -t nat -A POSTROUTING ! -s ${network} -d ${network} -j MASQUERADE`;
}

/** All rules that flannel could have made, as text without numbers that change. */
async function rules(node: NodeHandle): Promise<string> {
  const script = `iptables-save | grep -i -e '^-A.*flannel' -e '^-A POSTROUTING'
nft list table ip flannel-ipv4 2>/dev/null
true`;
  return (await node.run(['sh', '-c', script])).stdout;
}

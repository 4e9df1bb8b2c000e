// J01, J03, J04: whatever happens to the rules or in front of them, containers reach each other again within a resync.
import { describe } from 'vitest';
import { type Cluster, expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

const faults = [
  ['J01 FORWARD drops by policy', 'iptables -P FORWARD DROP'],
  ['J04 the filter table is flushed under a policy of DROP', 'iptables -P FORWARD DROP; iptables -F'],
  ['J04 a REJECT is inserted in front', 'iptables -I FORWARD 1 -j REJECT'],
  [
    'J04 somebody restores a table of his own that ends in REJECT',
    `iptables-restore <<END
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -i lo -j ACCEPT
-A FORWARD -j REJECT
COMMIT
END`,
  ],
  ['J04 all nftables rules are flushed, iptables drops', 'nft flush ruleset; iptables -P FORWARD DROP'],
  [
    'J03 masquerading comes before everything else',
    `iptables -t nat -I FLANNEL-POSTRTG 1 -s 10.5.0.0/16 -j MASQUERADE ||
nft insert rule ip flannel-ipv4 postrtg ip saddr 10.5.0.0/16 masquerade`,
  ],
] as const;

/** Seconds. */
const resync = 1;

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  for (const mode of ['iptables', 'nftables'] as const) {
    describe(mode, () => {
      const config = { EnableNFTables: mode === 'nftables' };
      test.override({ platform, spec: { nodes: 2, config, flags: [`-iptables-resync=${resync}`] } });

      test(`J04: rules that vanish or are overtaken are mended, again and again (${mode})`, async ({
        cluster,
      }) => {
        await cluster.expectReachable();
        const before = await rulesOf(cluster);
        for (const [what, script] of faults) {
          for (const node of cluster.nodes) await node.run(['sh', '-c', script]);
          await expect(
            cluster.expectReachable({ timeout: (resync + 2) * 1000 }),
            what,
          ).resolves.toBeDefined();
          // The next fault meets a host as it was at first.
          for (const node of cluster.nodes)
            await node.run(['sh', '-c', 'iptables -P FORWARD ACCEPT; iptables -F FORWARD']);
          await expect.poll(() => rulesOf(cluster), { message: what }).toEqual(before);
        }
        expect(await cluster.expectLog(cluster.node('node1'), /rules put in order/)).not.toHaveLength(0);
      });

      test(`J01: under a policy of DROP exactly what is from or to the network is accepted (${mode})`, async ({
        cluster,
      }) => {
        await cluster.expectReachable();
        const [node] = cluster.nodes;
        await node?.run(['iptables', '-P', 'FORWARD', 'DROP']);
        await cluster.expectReachable();
        const { stdout } = (await node?.run(['iptables-save', '-t', 'filter'])) ?? { stdout: '' };
        const accepting = stdout.split('\n').filter(line => line.startsWith('-A FLANNEL-FWD'));
        expect(accepting).toHaveLength(2);
        for (const line of accepting) expect(line).toMatch(/ -[sd] 10\.5\.0\.0\/16 /);
      });
    });
  }
});

/** Flannel's own rules of each node, as text without numbers that change. */
function rulesOf(cluster: Cluster): Promise<readonly string[]> {
  const script = `iptables-save | grep -i flannel
nft list table ip flannel-ipv4 2>/dev/null
true`;
  return Promise.all(
    cluster.nodes.map(async node =>
      (await node.run(['sh', '-c', script])).stdout.replaceAll(/\[\d+:\d+\]|# .*/g, ''),
    ),
  );
}

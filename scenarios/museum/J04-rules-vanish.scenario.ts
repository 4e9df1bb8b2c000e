// Rules that a firewall restart took away stayed away (up to 0.8, chains up to 0.20.0); a REJECT put in front, in all of upstream.
import { type Cluster, onEveryPlatform, test, until } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, flags: ['-iptables-resync=1'] } });

  test('J04: whatever is flushed, deleted or put in front, the overlay comes back, time and again', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    await using _ = await cluster.fault.dropForwarding(node1);
    const iptables = (...args: string[]) => node1.run(['iptables', '-w', ...args]);
    for (let round = 0; round < 2; round++) {
      await iptables('-t', 'nat', '-F');
      await iptables('-F');
      await expectRules(cluster);
      for (const [table, from, chain] of [
        ['filter', 'FORWARD', 'FLANNEL-FWD'],
        ['nat', 'POSTROUTING', 'FLANNEL-POSTRTG'],
      ] as const) {
        await iptables('-t', table, '-F', from);
        await iptables('-t', table, '-F', chain);
        await iptables('-t', table, '-X', chain);
      }
      await expectRules(cluster);
      await using rejecting = await cluster.fault.rejectForwarding(node1);
      await cluster.expectReachable({ timeout: 5000 });
      await rejecting.heal();
    }
  });
});

async function expectRules(cluster: Cluster): Promise<void> {
  const present = async () => {
    const { stdout } = await cluster.node('node1').run(['iptables-save']);
    return /-A POSTROUTING .*-j FLANNEL-POSTRTG/.test(stdout) && /-A FORWARD .*-j FLANNEL-FWD/.test(stdout)
      ? true
      : undefined;
  };
  await until(present, { what: 'the rules to come back', timeout: 5000 });
  await cluster.expectReachable({ timeout: 5000 });
}

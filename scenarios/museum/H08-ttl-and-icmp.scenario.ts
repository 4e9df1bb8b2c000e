// Through udp, a packet whose time to live ended vanished without a word, and an address nobody has was a long wait.
import { expect, onEveryPlatform, test, type WorkloadHandle } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['udp'] }, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  /** What the container hears of one ping. */
  async function answer(from: WorkloadHandle, to: string, ...options: string[]): Promise<string> {
    const argv = ['ping', '-n', '-c', '1', '-W', '2', ...options, to] as const;
    const { stdout, stderr } = await from.run([...argv], { okCodes: [0, 1] });
    return stdout + stderr;
  }

  test('H08: each hop through the overlay tells when a packet may go no further', async ({ cluster }) => {
    await cluster.expectReachable();
    const [one, two] = cluster.workloads;
    if (!one || !two) return expect.unreachable();
    const bases = await Promise.all(
      cluster.nodes.map(async node => (await cluster.subnet(node)).gateway.split('/')[0]?.replace(/1$/, '0')),
    );
    // docker0, the device on this side, the one on the other side, docker0 there.
    expect(await answer(one, two.address, '-t', '1')).toMatch(/Time to live exceeded/);
    expect(await answer(one, two.address, '-t', '2')).toMatch(
      new RegExp(`From ${bases[0]} .*Time to live exceeded`),
    );
    expect(await answer(one, two.address, '-t', '3')).toMatch(
      new RegExp(`From ${bases[1]} .*Time to live exceeded`),
    );
    expect(await answer(one, two.address, '-t', '5')).toContain('bytes from');
  });

  test('H08: an address that no peer has is told to be unreachable', async ({ cluster }) => {
    const [one] = cluster.workloads;
    if (!one) return expect.unreachable();
    expect(await answer(one, '10.5.255.9')).toMatch(/Destination Net Unreachable/);
  });

  test('H10: what a path does not take is told to be too large', async ({ cluster }) => {
    await cluster.expectReachable();
    const [node1, node2] = cluster.nodes;
    const [one, two] = cluster.workloads;
    if (!one || !two || !node1 || !node2) return expect.unreachable();
    await node1.run(['ip', 'route', 'add', node2.address, 'dev', 'eth0', 'mtu', '1400']);
    const full = ['-M', 'do', '-s', '1444'];
    expect(await answer(one, two.address, ...full)).toMatch(/Frag needed and DF set \(mtu = 1372\)/);
    expect(await answer(one, two.address, '-M', 'dont', '-s', '1444')).toContain('bytes from');
  });
});

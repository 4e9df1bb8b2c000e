// How large a packet a container may send to one on another node when it must not be cut up.
import { type Cluster, expect } from '../harness/vitest/index.ts';

/** That many bytes of IP arrive from each container at each other one, and one more is refused before it leaves. */
export async function expectLargestPacket({ workloads }: Cluster, mtu: number): Promise<void> {
  // ICMP and IP headers take 28 bytes.
  const ping = (size: number) =>
    ['ping', '-n', '-c', '1', '-W', '2', '-M', 'do', '-s', String(size - 28)] as const;
  for (const from of workloads)
    for (const to of workloads.filter(workload => workload !== from)) {
      await from.run([...ping(mtu), to.address]);
      const { stdout, stderr } = await from.run([...ping(mtu + 1), to.address], { okCodes: [1] });
      expect(stdout + stderr).toMatch(new RegExp(`message too long, mtu[=: ]*${mtu}`));
    }
}

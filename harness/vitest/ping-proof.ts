// Proves that the ping of the matrix can fail: one to an address that nobody has must be lost.
import { addressIn, parseCidr } from '../../lib/ip.ts';
import { pingAll } from '../checks/reachability.ts';
import type { WorkloadHandle } from '../drivers/driver.ts';

/** Where it has been shown in this process. */
const shown = new Map<string, Promise<void>>();

/**
 * Once for each place, such as `netns vxlan`; rejects when the ping was answered. Where the container itself cannot be
 * reached, as its node is gone, the next one will show it.
 */
export function provePingsFail(place: string, workload: WorkloadHandle | undefined): Promise<void> {
  if (!workload) return Promise.resolve();
  const proof = shown.get(place) ?? prove(workload, () => shown.delete(place));
  shown.set(place, proof);
  return proof;
}

async function prove(workload: WorkloadHandle, again: () => void): Promise<void> {
  const address = nobodyBeside(workload.address);
  const answered = await pingAll(workload, [{ address }]).catch(() => {
    again();
    return new Set<string>();
  });
  if (answered.size > 0)
    throw new Error(
      `a ping from ${workload.name} to ${address}, which nobody has, counts as answered: no ping here says anything`,
    );
}

/** Containers get their addresses from the first on, so the last of the /24 but one is nobody's. */
export function nobodyBeside(address: string): string {
  const subnet = parseCidr(`${address}/24`);
  if (!subnet) throw new TypeError(`not an IPv4 address: ${address}`);
  return addressIn(subnet, 254);
}

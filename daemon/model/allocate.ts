// Picks a free subnet: at random among the first 100 free ones, as every flannel version does.
import { type Cidr4, last, size } from '../../lib/ip.ts';
import type { NetworkConfig } from './network-config.ts';

const candidates = 100;

/** A number in [0, 1). */
export type Random = () => number;

/** The IPv4 subnets that records hold; one without IPv4 holds 0.0.0.0/0 by name and nothing in fact. */
export function takenSubnets(records: Iterable<{ readonly subnet: Cidr4 | undefined }>): Cidr4[] {
  return [...records].flatMap(({ subnet }) => (subnet && subnet.length > 0 ? [subnet] : []));
}

/** A subnet inside the range that overlaps none of `taken`, or undefined when all are in use. */
export function allocate(config: NetworkConfig, taken: readonly Cidr4[], random: Random): Cidr4 | undefined {
  const free = freeSubnets(config, taken, candidates);
  return free[Math.floor(random() * free.length)];
}

/** The first `limit` free subnets in address order. */
export function freeSubnets(config: NetworkConfig, taken: readonly Cidr4[], limit: number): Cidr4[] {
  const step = size(config.first);
  const sorted = taken.toSorted((a, b) => a.base - b.base);
  const free: Cidr4[] = [];
  let next = 0;
  let busyUntil = -1; // the highest address used by a lease that starts at or before the candidate's end
  for (let base = config.first.base; base <= config.last.base && free.length < limit; base += step) {
    for (let lease = sorted[next]; lease && lease.base < base + step; lease = sorted[++next])
      busyUntil = Math.max(busyUntil, last(lease));
    if (busyUntil < base) free.push({ base, length: config.subnetLength });
  }
  return free;
}

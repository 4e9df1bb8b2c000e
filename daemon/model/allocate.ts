// Picks a free subnet: at random among the first 100 free ones, as every flannel version does.
import { type Cidr, type Family, last, step } from '../../lib/ip.ts';
import type { Subnets } from './lease.ts';
import type { Range } from './network-config.ts';

const candidates = 100;

/** A number in [0, 1). */
export type Random = () => number;

/** The subnets of a family that records hold. */
export function takenSubnets(records: Iterable<{ readonly subnets: Subnets }>, family: Family): Cidr[] {
  return [...records].flatMap(({ subnets }) => subnets[family] ?? []);
}

/** A subnet inside the range that overlaps none of `taken`, or undefined when all are in use. */
export function allocate(range: Range, taken: readonly Cidr[], random: Random): Cidr | undefined {
  const free = freeSubnets(range, taken, candidates);
  return free[Math.floor(random() * free.length)];
}

/** The first `limit` free subnets in address order. */
export function freeSubnets(range: Range, taken: readonly Cidr[], limit: number): Cidr[] {
  const sorted = taken.toSorted((a, b) => (a.base < b.base ? -1 : 1));
  const free: Cidr[] = [];
  let next = 0;
  let busyUntil = -1n; // the highest address used by a lease that starts at or before the candidate's end
  for (
    let subnet = range.first;
    subnet.base <= range.last.base && free.length < limit;
    subnet = step(subnet, 1)
  ) {
    for (let lease = sorted[next]; lease && lease.base <= last(subnet); lease = sorted[++next])
      if (last(lease) > busyUntil) busyUntil = last(lease);
    if (busyUntil < subnet.base) free.push(subnet);
  }
  return free;
}

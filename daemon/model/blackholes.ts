// Blackhole routes: what is sent to an address of the node's subnet that no container has must not leave it again.
import { type Cidr, contains, families, familyOf, formatCidr, parseCidr } from '../../lib/ip.ts';
import { remembered } from '../../lib/remembered.ts';
import type { Subnets } from './lease.ts';
import { type NetEntry, type NetState, usualMetric } from './net-state.ts';

/** The largest there is, so that docker0's own route always wins. */
const metric = 2 ** 32 - 1;

export const blackholes = remembered(
  (subnets: Subnets): NetState =>
    families.flatMap(family => {
      const subnet = subnets[family];
      if (!subnet) return [];
      const way = { via: undefined, dev: undefined, onlink: false, metric, protocol: 'boot' } as const;
      return [{ kind: 'route', to: formatCidr(subnet), blackhole: true, ...way } as const];
    }),
);

/**
 * Whether flannel made this blackhole: one with our metric inside a network, or, as upstream makes them, one with the
 * usual metric for a subnet that is or was this node's.
 */
export function isFlannelsBlackhole(
  entry: NetEntry,
  networks: readonly Cidr[],
  subnets: readonly Subnets[],
): boolean {
  if (entry.kind !== 'route' || !entry.blackhole || entry.protocol !== 'boot') return false;
  const prefix = parseCidr(entry.to);
  if (!prefix) return false;
  if (entry.metric === metric)
    return networks.some(network => contains(network, prefix) && prefix.length > network.length);
  const own = subnets.flatMap(each => each[prefix.family] ?? []);
  return entry.metric === usualMetric[familyOf(entry.to)] && own.some(each => formatCidr(each) === entry.to);
}

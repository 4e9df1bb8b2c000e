// Which leases are peers of this node, and why the others are not.
import { type Cidr4, formatCidr4, formatIp4, overlaps } from '../../lib/ip.ts';
import type { Lease } from './lease.ts';

export interface Ignored {
  readonly lease: Lease;
  readonly reason: string;
}

export interface Viewpoint {
  readonly publicIp: number;
  readonly subnet: Cidr4 | undefined;
  readonly backendType: string;
  /** The backend's own reason to refuse a lease of its type. */
  readonly objection: (lease: Lease) => string | undefined;
}

/** Splits the leases into peers, in key order, and those passed over. Own leases are in neither list. */
export function selectPeers(
  leases: Iterable<Lease>,
  view: Viewpoint,
): { peers: Lease[]; ignored: Ignored[] } {
  const peers = new Map<string, Lease>();
  const ignored: Ignored[] = [];
  for (const lease of [...leases].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    // A leftover lease with our address would make a route to ourselves.
    if (lease.publicIp === view.publicIp) continue;
    const subnet = formatCidr4(lease.subnet);
    const reason =
      reasonAgainst(lease, view) ?? (peers.has(subnet) ? 'another lease has this subnet' : undefined);
    if (reason) ignored.push({ lease, reason });
    else peers.set(subnet, lease);
  }
  return { peers: [...peers.values()], ignored };
}

function reasonAgainst(lease: Lease, { subnet, backendType, objection }: Viewpoint): string | undefined {
  if (lease.backendType !== backendType)
    return `its backend is ${lease.backendType || 'udp or alloc'}, ours is ${backendType}`;
  if (lease.subnet.length === 0) return 'it has no IPv4 subnet';
  if (lease.publicIp === 0) return 'it has no PublicIP';
  if (subnet && overlaps(lease.subnet, subnet))
    return `it overlaps our own subnet ${formatCidr4(subnet)}, held by ${formatIp4(lease.publicIp)}`;
  return objection(lease);
}

// Which leases are peers of this node, family by family, and why the others are not.
import { type ByFamily, type Cidr, type Family, families, formatCidr, overlaps } from '../../lib/ip.ts';
import { remembered } from '../../lib/remembered.ts';
import { type Json, type Lease, type LeaseTerms, type Subnets, sameNode, sameSubnets } from './lease.ts';

/** What another node offers in one family. A dual-stack node is two peers. */
export interface Peer {
  readonly family: Family;
  readonly subnet: Cidr;
  readonly publicIp: string;
  /** The backend's data for this family. */
  readonly data: Json | undefined;
  readonly lease: Lease;
}

export interface Ignored {
  readonly lease: Lease;
  readonly reason: string;
}

export interface Viewpoint {
  /** What we publish ourselves. */
  readonly terms: LeaseTerms;
  /** Of each enabled family, once we have it; undefined while we have none. */
  readonly subnets: Subnets;
  readonly enabled: readonly Family[];
  /** The backend's own reason to refuse a peer of its type. */
  readonly objection: (peer: Peer) => string | undefined;
}

/** Splits the leases into peers, in key order, and those passed over. Own leases are in neither list. */
export function selectPeers(leases: Iterable<Lease>, view: Viewpoint): { peers: Peer[]; ignored: Ignored[] } {
  const peers = new Map<string, Peer>();
  const ignored: Ignored[] = [];
  for (const lease of [...leases].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    // A leftover lease with our address would make a route to ourselves.
    // Our own one under a former address is known to us before the registry tells so.
    if (sameNode(lease, view.terms) || sameSubnets(lease.subnets, view.subnets)) continue;
    const offers = offersOf(lease, view);
    if (typeof offers === 'string') {
      ignored.push({ lease, reason: offers });
      continue;
    }
    for (const peer of offers) {
      const subnet = subnetText(peer.subnet);
      const reason =
        reasonAgainst(peer, view) ?? (peers.has(subnet) ? 'another lease has this subnet' : undefined);
      if (reason) ignored.push({ lease, reason });
      else peers.set(subnet, peer);
    }
  }
  return { peers: [...peers.values()], ignored };
}

/** One for each family that both nodes have; or why there is none. */
function offersOf(lease: Lease, { terms, enabled }: Viewpoint): readonly Peer[] | string {
  if (lease.backendType !== terms.backendType)
    return `its backend is ${lease.backendType || 'udp or alloc'}, ours is ${terms.backendType || 'udp or alloc'}`;
  const offers = peersOf(lease).filter(({ family }) => enabled.includes(family));
  if (offers.length > 0) return offers;
  const common = families.filter(family => enabled.includes(family) && lease.subnets[family]);
  if (common.length === 0) return `it has no ${enabled.map(family => `IPv${family}`).join(' or ')} subnet`;
  return `it has no ${common.map(family => publicIpNames[family]).join(' and no ')}`;
}

const subnetText = remembered(formatCidr);

/** The same objects each time: most leases are looked at again because of another one. */
const peersOf = remembered((lease: Lease): readonly Peer[] =>
  families.flatMap(family => {
    const [subnet, publicIp] = [lease.subnets[family], lease.publicIps[family]];
    return subnet && publicIp !== undefined
      ? [{ family, subnet, publicIp, data: lease.backendData[family], lease }]
      : [];
  }),
);

const publicIpNames: ByFamily<string> = { 4: 'PublicIP', 6: 'PublicIPv6' };

function reasonAgainst(peer: Peer, { subnets, objection }: Viewpoint): string | undefined {
  const own = subnets[peer.family];
  if (own && overlaps(peer.subnet, own))
    return `it overlaps our own subnet ${formatCidr(own)}, held by ${peer.publicIp}`;
  return objection(peer);
}

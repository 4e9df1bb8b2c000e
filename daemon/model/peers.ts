// Which leases are peers of this node, family by family, and why the others are not.
import { changedSpan, flatMapper } from '../../lib/changed-span.ts';
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

export interface Selection {
  readonly peers: readonly Peer[];
  readonly ignored: readonly Ignored[];
}

/**
 * Splits leases in key order into peers and those passed over. Own leases are in neither list. What it finds of a
 * lease it remembers for as long as the lease lives: make another one for another viewpoint.
 */
export function peerSelector(view: Viewpoint): (leases: readonly Lease[]) => Selection {
  const judge = remembered((lease: Lease) => judgeLease(lease, view));
  const peersOf = flatMapper((lease: Lease) => judge(lease).peers);
  const ignoredOf = flatMapper((lease: Lease) => judge(lease).ignored);
  const isContested = contestSeeker();
  return leases => {
    const peers = peersOf(leases);
    return isContested(peers) ? decide(leases.map(judge)) : { peers, ignored: ignoredOf(leases) };
  };
}

/** Says of one list after another whether two of its peers have one subnet. */
function contestSeeker(): (peers: readonly Peer[]) => boolean {
  const holders = new Map<string, number>();
  let before: readonly Peer[] = [];
  return peers => {
    const { removed, added } = changedSpan(before, peers);
    before = peers;
    for (const text of added.map(subnetText)) holders.set(text, (holders.get(text) ?? 0) + 1);
    for (const text of removed.map(subnetText)) {
      const left = (holders.get(text) ?? 0) - 1;
      if (left > 0) holders.set(text, left);
      else holders.delete(text);
    }
    return holders.size < peers.length;
  };
}

/** Of several leases that have one subnet, the first is the peer. */
function decide(judged: readonly Selection[]): Selection {
  const peers = new Map<string, Peer>();
  const ignored: Ignored[] = [];
  for (const one of judged) {
    ignored.push(...one.ignored);
    for (const peer of one.peers) {
      const subnet = subnetText(peer);
      if (peers.has(subnet)) ignored.push({ lease: peer.lease, reason: 'another lease has this subnet' });
      else peers.set(subnet, peer);
    }
  }
  return { peers: [...peers.values()], ignored };
}

function subnetText({ subnet }: Peer): string {
  return formatCidr(subnet);
}

function judgeLease(lease: Lease, view: Viewpoint): Selection {
  // A leftover lease with our address would make a route to ourselves.
  // Our own one under a former address is known to us before the registry tells so.
  if (sameNode(lease, view.terms) || sameSubnets(lease.subnets, view.subnets)) return nothing;
  const offers = offersOf(lease, view);
  if (typeof offers === 'string') return { peers: [], ignored: [{ lease, reason: offers }] };
  const judged = offers.map(peer => ({ peer, reason: reasonAgainst(peer, view) }));
  return {
    peers: judged.flatMap(({ peer, reason }) => (reason ? [] : [peer])),
    ignored: judged.flatMap(({ reason }) => (reason ? [{ lease, reason }] : [])),
  };
}

const nothing: Selection = { peers: [], ignored: [] };

/** One for each family that both nodes have; or why there is none. */
function offersOf(lease: Lease, { terms, enabled }: Viewpoint): readonly Peer[] | string {
  if (lease.backendType !== terms.backendType)
    return `its backend is ${lease.backendType || 'udp or alloc'}, ours is ${terms.backendType || 'udp or alloc'}`;
  const offers = enabled.flatMap((family): Peer[] => {
    const [subnet, publicIp] = [lease.subnets[family], lease.publicIps[family]];
    return subnet && publicIp !== undefined
      ? [{ family, subnet, publicIp, data: lease.backendData[family], lease }]
      : [];
  });
  if (offers.length > 0) return offers;
  const common = families.filter(family => enabled.includes(family) && lease.subnets[family]);
  if (common.length === 0) return `it has no ${enabled.map(family => `IPv${family}`).join(' or ')} subnet`;
  return `it has no ${common.map(family => publicIpNames[family]).join(' and no ')}`;
}

const publicIpNames: ByFamily<string> = { 4: 'PublicIP', 6: 'PublicIPv6' };

function reasonAgainst(peer: Peer, { subnets, objection }: Viewpoint): string | undefined {
  const own = subnets[peer.family];
  if (own && overlaps(peer.subnet, own))
    return `it overlaps our own subnet ${formatCidr(own)}, held by ${peer.publicIp}`;
  return objection(peer);
}

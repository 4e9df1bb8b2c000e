// The way of a packet from one container to another, hop by hop, as the leases and the configuration have it; pure.
import type { NetworkConfig } from '../cluster-spec.ts';
import type { StoredLease } from '../stored-lease.ts';
import type { NodeFacts, PlaceFacts } from './facts.ts';
import { onLink, routeTo } from './lookup.ts';

/** One end of a trace: a container, its node, and what is known of both. */
export interface Side {
  readonly node: string;
  readonly container: string;
  /** Of the container. */
  readonly address: string;
  /** Of the node, on the underlay. */
  readonly publicIp: string;
  readonly facts: NodeFacts;
  readonly inside: PlaceFacts;
  readonly lease: StoredLease | undefined;
}

/**
 * How a packet looks on the underlay: as it is, or inside another one. What wireguard has encrypted is known by its size;
 * `hidden` is what cannot be told from anything else.
 */
export type Wrapping = 'plain' | 'vxlan' | 'udp' | 'ipip' | 'wireguard' | 'hidden';

/** Places a packet is seen at, in the order it comes by; `far` ones are on the receiving node. */
export const stages = [
  'container-out',
  'bridge-in',
  'forward-in',
  'forward-out',
  'tunnel-out',
  'uplink-out',
  'uplink-in',
  'tunnel-in',
  'far-forward-in',
  'far-forward-out',
  'bridge-out',
  'container-in',
] as const;

export type Stage = (typeof stages)[number];

/** A stretch between two devices; a finding names the one where things go wrong. */
export type Hop = 'sender' | 'to-bridge' | 'out' | 'wrap' | 'wire' | 'unwrap' | 'in' | 'to-container';

export const hops: readonly Hop[] = [
  'sender',
  'to-bridge',
  'out',
  'wrap',
  'wire',
  'unwrap',
  'in',
  'to-container',
];

export interface Point {
  readonly stage: Stage;
  readonly side: 'from' | 'to';
  /** Where it can be looked for: `node1` or `node1/a`. */
  readonly place: string;
  /** Undefined inside the forwarding of the node. */
  readonly device: string | undefined;
  readonly wrapping: Wrapping;
}

export interface Path {
  readonly from: Side;
  readonly to: Side;
  readonly backend: string;
  /** Whether it is known here what a node of this backend should have. */
  readonly known: boolean;
  /** Device the packets leave through; undefined where that is the uplink itself. */
  readonly tunnel: string | undefined;
  readonly config: NetworkConfig;
  readonly points: readonly Point[];
}

/** All nodes of the lab have their underlay there. */
export const uplink = 'eth0';
export const bridge = 'docker0';

/** One direction; the answer's way is that of a request from the other end. */
export function pathBetween(from: Side, to: Side, config: NetworkConfig): Path {
  const { Type: backend } = config.Backend;
  const known = backend === 'host-gw' || isWrapping(backend);
  const tunnel = tunnelDevice(from, to, config);
  const path = { from, to, backend, known, tunnel, config };
  return { ...path, points: from.node === to.node ? neighbours(path) : points(path) };
}

function tunnelDevice(from: Side, to: Side, { Backend }: NetworkConfig): string | undefined {
  const { Type: type, VNI: vni = 1, DirectRouting: direct } = Backend;
  if (type === 'host-gw') return undefined;
  if (type === 'vxlan' || type === 'ipip') {
    const name = type === 'vxlan' ? `flannel.${vni}` : 'flannel.ipip';
    return direct === true && onLink(from.facts, uplink, to.publicIp) ? undefined : name;
  }
  if (type === 'udp') return tun(from.facts);
  if (type === 'wireguard') return 'flannel-wg';
  // What the node itself would do is all there is to go by.
  const dev = routeTo(from.facts, to.address)?.dev;
  return dev === uplink ? undefined : dev;
}

/** Backends that are named as what they make of a packet. */
function isWrapping(backend: string): backend is Wrapping {
  return ['vxlan', 'udp', 'ipip', 'wireguard'].includes(backend);
}

/** The TUN device takes the next free name. */
function tun({ links }: NodeFacts): string {
  return links.find(({ ifname }) => /^flannel\d+$/.test(ifname))?.ifname ?? 'flannel0';
}

function points(path: Omit<Path, 'points'>): readonly Point[] {
  const { tunnel, backend } = path;
  const { from, to } = ends(path);
  const outer: Wrapping = !tunnel ? 'plain' : isWrapping(backend) ? backend : 'hidden';
  // Each node numbers its own TUN devices.
  const farTunnel = tunnel && backend === 'udp' ? tun(path.to.facts) : tunnel;
  const all = [
    from('container-out', uplink, 'plain', path.from.container),
    from('bridge-in', bridge),
    from('forward-in'),
    from('forward-out'),
    ...(tunnel ? [from('tunnel-out', tunnel)] : []),
    from('uplink-out', uplink, outer),
    to('uplink-in', uplink, outer),
    ...(farTunnel ? [to('tunnel-in', farTunnel)] : []),
    to('far-forward-in'),
    to('far-forward-out'),
    to('bridge-out', bridge),
    to('container-in', uplink, 'plain', path.to.container),
  ];
  return all.filter(({ wrapping }) => wrapping !== 'hidden');
}

/** Containers of one node: the bridge is all there is between them. */
function neighbours(path: Omit<Path, 'points'>): readonly Point[] {
  const { from, to } = ends(path);
  return [
    from('container-out', uplink, 'plain', path.from.container),
    to('container-in', uplink, 'plain', path.to.container),
  ];
}

function ends(path: Omit<Path, 'points'>) {
  const at =
    (side: 'from' | 'to') =>
    (stage: Stage, device?: string, wrapping: Wrapping = 'plain', place = path[side].node): Point => ({
      stage,
      side,
      place,
      device,
      wrapping,
    });
  return { from: at('from'), to: at('to') };
}

/** `between eth0 and docker0`; a device is told with its node where the two are not on the same one. */
export function hopText({ from, to, tunnel }: Path, hop: Hop): string {
  const out = tunnel ?? uplink;
  const texts: Record<Hop, string> = {
    sender: `inside ${from.container}`,
    'to-bridge': `between ${from.container} and ${bridge}`,
    out: `between ${bridge} and ${out}`,
    wrap: `between ${out} and ${uplink}`,
    wire: `between ${uplink} of ${from.node} and ${uplink} of ${to.node}`,
    unwrap: `between ${uplink} and ${out}`,
    in: `between ${out} and ${bridge}`,
    'to-container': `between ${bridge} and ${to.container}`,
  };
  if (from.node === to.node && hop === 'to-bridge') return `between ${from.container} and ${to.container}`;
  return texts[hop];
}

/** The node on which a hop begins. */
export function hopNode({ from, to }: Path, hop: Hop): string {
  return hops.indexOf(hop) <= hops.indexOf('wire') ? from.node : to.node;
}

/** The hop a packet is on that was seen at `stage` last; undefined: it was not seen at all. */
export function hopAfter({ tunnel }: Path, stage: Stage | undefined): Hop {
  if (stage === undefined) return 'sender';
  const after: Record<Stage, Hop> = {
    'container-out': 'to-bridge',
    'bridge-in': 'out',
    'forward-in': 'out',
    'forward-out': 'out',
    'tunnel-out': 'wrap',
    'uplink-out': 'wire',
    'uplink-in': tunnel ? 'unwrap' : 'in',
    'tunnel-in': 'in',
    'far-forward-in': 'in',
    'far-forward-out': 'in',
    'bridge-out': 'to-container',
    'container-in': 'to-container',
  };
  return after[stage];
}

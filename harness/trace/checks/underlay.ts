// The underlay: room for a packet of docker0's MTU with its wrapping, and a peer that answers ARP.
import type { NodeFacts } from '../facts.ts';
import type { Flow } from '../legacy.ts';
import { link } from '../lookup.ts';
import { type Hop, type Path, uplink, type Wrapping } from '../path.ts';
import { portOf } from '../ports.ts';
import { at, type Check, type Finding } from './finding.ts';

/** Bytes around a packet on the underlay, its own headers not counted. */
const overhead: Readonly<Record<Wrapping, number>> = {
  plain: 0,
  vxlan: 50,
  udp: 28,
  ipip: 20,
  wireguard: 60,
  hidden: 0,
};

/** The largest packet a container sends. */
export function largest({ from }: Path): number {
  return link(from.inside, uplink)?.mtu ?? 1500;
}

/** What the nodes send each other, as packet filters see it; undefined where that is the packets themselves. */
export function outerFlow({ from, to, tunnel, backend, config }: Path): Omit<Flow, 'chain'> | undefined {
  const ends = { source: from.publicIp, destination: to.publicIp };
  if (tunnel && backend === 'ipip') return { ...ends, protocol: 'ipencap' };
  const port = tunnel === undefined ? undefined : portOf(config);
  return port === undefined ? undefined : { ...ends, protocol: 'udp', port };
}

export const mtuChecks: Check = path => {
  const { from, to, tunnel } = path;
  const size = largest(path);
  const wrapping = path.points.find(({ stage }) => stage === 'uplink-out')?.wrapping ?? 'hidden';
  const outer = size + overhead[wrapping];
  const near = tunnel ? 'wrap' : 'out';
  return [
    ...(tunnel ? tooSmall(path, from.facts, tunnel, size, 'out', ['out', 'out']) : []),
    ...tooSmall(path, from.facts, uplink, outer, near, ['out', 'wire']),
    ...tooSmall(path, to.facts, uplink, outer, 'wire', ['wire', 'wire']),
  ];
};

function tooSmall(
  path: Path,
  facts: NodeFacts,
  device: string,
  size: number,
  hop: Hop,
  vanishes: readonly [Hop, Hop],
): readonly Finding[] {
  const mtu = link(facts, device)?.mtu;
  if (mtu === undefined || mtu >= size) return [];
  const text = `${device} of ${facts.name} has MTU ${mtu}, and a packet of ${largest(path)} bytes needs ${size}`;
  const show = `ip link show ${device}`;
  return [at(path, hop, { node: facts.name, cause: 'mtu-blackhole', text, show, vanishes, large: true })];
}

export const arpChecks: Check = path => {
  const { from, to, tunnel } = path;
  const entry = from.facts.neighbours.find(({ dst, dev }) => dst === to.publicIp && dev === uplink);
  if (!entry?.state?.some(state => state === 'FAILED' || state === 'INCOMPLETE')) return [];
  const text = `${to.node} (${to.publicIp}) does not answer ARP on ${uplink}`;
  const show = `ip neigh show ${to.publicIp}`;
  const vanishes = [tunnel ? 'wrap' : 'out', 'wire'] as const;
  return [at(path, 'wire', { cause: 'underlay-partition', text, show, vanishes })];
};

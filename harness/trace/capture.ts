// Captures of marked pings on all devices of a node, as tcpdump is told and prints them; pure.
import { type Direction, echo, inner, type Marks, markOffset, type Plan } from './counters.ts';
import type { Point } from './path.ts';

/** How often a ping came in or went out, by device: `docker0 in`. */
export type Captured = ReadonlyMap<string, number>;

/** For pings of one direction and size, bare and as the backend wraps them. */
export function captureFilter(
  { marks, datagrams, paths }: Plan,
  direction: Direction,
  kind: keyof Marks,
): string {
  const { backend } = paths[direction];
  const mark = marks[kind];
  const type = echo[direction];
  const plain = `(icmp[0] = ${type} and icmp[${markOffset}:4] = ${mark})`;
  const header = 20;
  if (backend === 'wireguard')
    return `${plain} or (udp[4:2] = ${datagrams[direction][kind]} and udp[8:4] = 0x4000000)`;
  if (backend === 'ipip') {
    const icmp = header + header;
    return `${plain} or (ip proto 4 and ip[${icmp}] = ${type} and ip[${icmp + markOffset}:4] = ${mark})`;
  }
  if (backend !== 'vxlan' && backend !== 'udp') return plain;
  const icmp = inner[backend] + header;
  return `${plain} or (udp[${icmp}] = ${type} and udp[${icmp + markOffset}:4] = ${mark})`;
}

/** Its privileges stay: in a user namespace there may be nobody to change to. */
export function captureCommand(filter: string, seconds: number): string {
  return `timeout ${seconds} tcpdump -i any -p -nn -t -q -l -Z root '${filter}'`;
}

/** Undefined when tcpdump did not listen, or does not tell devices apart, as before 4.99. */
export function parseCapture(stdout: string, stderr: string): Captured | undefined {
  const lines = [...stdout.matchAll(/^(\S+)\s+(In|Out)\s+IP/gm)];
  const listened = /listening on any/.test(stderr);
  if (!listened || (stdout.trim() !== '' && lines.length === 0)) return undefined;
  const seen = Map.groupBy(lines, ([, device, side]) => `${device} ${side?.toLowerCase()}`);
  return new Map([...seen].map(([place, { length }]) => [place, length]));
}

/** Where a capture sees what a point of a path counts; undefined inside the node's forwarding. */
export function capturePlace({ device, stage }: Point): string | undefined {
  return device && `${device} ${stage.endsWith('-out') ? 'out' : 'in'}`;
}

/** `docker0 in, flannel.1 out`; veths of containers are left out. */
export function captureText(captured: Captured): string {
  const places = [...captured.keys()].filter(place => !place.startsWith('veth'));
  return places.length > 0 ? places.join(', ') : 'nothing';
}

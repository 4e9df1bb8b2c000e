// Questions about the host network that backends ask: is this address one hop away, which device is the uplink.
import { type ByFamily, type Cidr, contains, parseCidr, parseIp } from '../../lib/ip.ts';
import { ipOf, type NetState, type RouteEntry } from './net-state.ts';

/** The device and addresses that reach the other nodes. */
export interface Uplink {
  readonly name: string;
  /** Addresses of the device, one of each enabled family. */
  readonly ips: ByFamily<string>;
  readonly mtu: number;
}

export interface Underlay {
  /** Whether packets to `ip` leave through `dev` without a gateway in between. */
  isOnLink(ip: string, dev: string): boolean;
}

/** Reads the answers off the main routing table, as the kernel would look them up. */
export function underlayOf(present: () => NetState): Underlay {
  let routes: readonly Destination[] | undefined;
  return {
    isOnLink(ip, dev) {
      routes ??= lookupOrder(present()); // few ask
      const best = bestRoute(routes, ip);
      return best !== undefined && best.via === undefined && best.dev === dev;
    },
  };
}

/** The route of the main table that packets to `ip` take. */
export function routeTo(state: NetState, ip: string): RouteEntry | undefined {
  return bestRoute(lookupOrder(state), ip);
}

interface Destination {
  readonly entry: RouteEntry;
  readonly to: Cidr;
}

function lookupOrder(state: NetState): readonly Destination[] {
  return state
    .flatMap(entry => (entry.kind === 'route' ? [{ entry, to: parseCidr(entry.to) }] : []))
    .filter((route): route is Destination => route.to !== undefined)
    .sort((a, b) => b.to.length - a.to.length || a.entry.metric - b.entry.metric);
}

function bestRoute(routes: readonly Destination[], address: string): RouteEntry | undefined {
  const ip = parseIp(address);
  return ip && routes.find(({ to }) => contains(to, ip))?.entry;
}

/** Whether one of the host's devices has this address. */
export function hasAddress(state: NetState, ip: string): boolean {
  return state.some(entry => entry.kind === 'address' && ipOf(entry) === ip);
}

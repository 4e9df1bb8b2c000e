// Questions about the host network that backends ask: is this address one hop away, which device is the uplink.
import { type Cidr4, contains, parseCidr4, parseIp4 } from '../../lib/ip.ts';
import type { NetState, RouteEntry } from './net-state.ts';

/** The device and address that reach the other nodes. Captured at start. */
export interface Uplink {
  readonly name: string;
  /** Unsigned 32-bit; an address of the device. */
  readonly ip: number;
  readonly mtu: number;
}

export interface Underlay {
  /** Whether packets to `ip` leave through `dev` without a gateway in between. */
  isOnLink(ip: number, dev: string): boolean;
}

/** Reads the answers off the main routing table, as the kernel would look them up. */
export function underlayOf(state: NetState): Underlay {
  const routes = state
    .flatMap(entry => (entry.kind === 'route' ? [{ entry, to: parseCidr4(entry.to) }] : []))
    .filter((route): route is { entry: RouteEntry; to: Cidr4 } => route.to !== undefined)
    .sort((a, b) => b.to.length - a.to.length || a.entry.metric - b.entry.metric);
  return {
    isOnLink(ip, dev) {
      const best = routes.find(({ to }) => contains(to, ip))?.entry;
      return best !== undefined && best.via === undefined && best.dev === dev;
    },
  };
}

/** Whether one of the host's devices has this address. */
export function hasAddress(state: NetState, ip: number): boolean {
  return state.some(entry => entry.kind === 'address' && parseIp4(entry.address.split('/')[0] ?? '') === ip);
}

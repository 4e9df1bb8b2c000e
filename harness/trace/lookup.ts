// Looks things up in the facts of a node as its kernel would: the route of an address, a device, the MAC behind an address.
import { type Cidr, contains, parseCidr, parseIp } from '../../lib/ip.ts';
import type { Link, Route } from '../ask.ts';
import type { PlaceFacts } from './facts.ts';

export function link(facts: PlaceFacts, name: string): Link | undefined {
  return facts.links.find(({ ifname }) => ifname === name);
}

export function isUp({ flags }: Link): boolean {
  return flags.includes('UP');
}

/** The first IPv4 address of the device: `10.5.3.1/24`. */
export function addressOf(facts: PlaceFacts, device: string): string | undefined {
  const first = link(facts, device)?.addr_info?.find(({ family }) => family === 'inet');
  return first && `${first.local}/${first.prefixlen}`;
}

/** The route of the main table that wins: the longest prefix, then the lowest metric. */
export function routeTo(facts: PlaceFacts, address: string): Route | undefined {
  const ip = parseIp(address);
  const fits = facts.routes.filter(({ dst }) => ip && contains(prefixOf(dst), ip));
  const length = ({ dst }: Route) => prefixOf(dst).length;
  return fits.toSorted((a, b) => length(b) - length(a) || (a.metric ?? 0) - (b.metric ?? 0))[0];
}

/** `default` is the prefix that contains everything; a bare address is a prefix of its own. */
function prefixOf(dst: string): Cidr {
  const text = dst === 'default' ? '0.0.0.0/0' : dst;
  const prefix = parseCidr(text.includes('/') ? text : `${text}/32`);
  if (!prefix) throw new Error(`${JSON.stringify(dst)} is not the destination of a route`);
  return prefix;
}

export function routeText({ dst, type, gateway, dev }: Route): string {
  return [type, dst, gateway && `via ${gateway}`, dev && `dev ${dev}`].filter(Boolean).join(' ');
}

/** Whether the address is in the network of one of the device's own addresses. */
export function onLink(facts: PlaceFacts, device: string, address: string): boolean {
  const own = addressOf(facts, device);
  const network = own === undefined ? undefined : parseCidr(own);
  const ip = parseIp(address);
  return network !== undefined && ip !== undefined && contains(network, ip);
}

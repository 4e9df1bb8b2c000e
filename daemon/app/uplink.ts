// Finds the device that reaches the other nodes, in upstream's order of flags, and follows it as it changes.

import { UserError } from '../../lib/errors.ts';
import {
  type ByFamily,
  byFamily,
  canonicalIp,
  type Family,
  families,
  familyOf,
  formatCidr,
  parseCidr,
} from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import { type AddressEntry, ipOf, type LinkEntry, type NetState } from '../model/net-state.ts';
import type { Uplink } from '../model/underlay.ts';

export interface UplinkChoice {
  /** Names or addresses, the first that fits wins. */
  readonly iface: readonly string[];
  /** Patterns for addresses, then for names; the first that fits wins. */
  readonly ifaceRegex: readonly RegExp[];
  /** Where the kernel would send packets to -iface-can-reach; undefined when nowhere, or not asked for. */
  readonly reached: { readonly dev: string; readonly source: string } | undefined;
  /** The address of -iface-can-reach, for messages. */
  readonly ifaceCanReach: string | undefined;
  readonly publicIps: ByFamily<string>;
}

interface Chosen {
  readonly name: string;
  /** Addresses the choice was made by. */
  readonly ips: ByFamily<string>;
  readonly why: string;
}

/** Throws a UserError that lists the devices there are. `enabled` are the families it must have an address of. */
export function chooseUplink(
  state: NetState,
  choice: UplinkChoice,
  enabled: readonly Family[],
  log: Logger,
): Uplink {
  const { name, ips: fixed, why } = choose(state, choice, enabled);
  const mtu = linkOf(state, name)?.mtu ?? 0;
  if (mtu === 0) throw noInterface(`interface ${name} has no MTU`, state);
  const ips = byFamily(enabled, family => {
    const ip = fixed[family] ?? bestAddress(state, name, family);
    if (ip === undefined) throw noInterface(`interface ${name} has no IPv${family} address`, state);
    return ip;
  });
  log.info('using interface', { name, address: enabled.map(family => ips[family]).join(), mtu, why });
  return { name, ips, mtu };
}

/** The same device as it is now. What cannot be seen at the moment (it is gone, has no address) stays as it was. */
export function followUplink(state: NetState, uplink: Uplink): Uplink {
  const link = linkOf(state, uplink.name);
  const here = addressesOf(state, uplink.name).map(ipOf);
  const enabled = families.filter(family => uplink.ips[family] !== undefined);
  const ips = byFamily(enabled, family => {
    const ip = uplink.ips[family];
    return ip && here.includes(ip) ? ip : (bestAddress(state, uplink.name, family) ?? ip);
  });
  return { name: uplink.name, ips, mtu: link?.mtu || uplink.mtu };
}

function choose(state: NetState, choice: UplinkChoice, enabled: readonly Family[]): Chosen {
  const { iface, ifaceRegex, reached, ifaceCanReach, publicIps } = choice;
  for (const wanted of iface) {
    const found = byNameOrAddress(state, wanted);
    if (found) return { ...found, why: `-iface ${wanted}` };
  }
  for (const pattern of ifaceRegex) {
    const found = byPattern(state, pattern, enabled);
    if (found) return { ...found, why: `-iface-regex ${pattern.source}` };
  }
  if (reached) {
    const ips = { [familyOf(reached.source)]: reached.source };
    return { name: reached.dev, ips, why: `-iface-can-reach ${ifaceCanReach}` };
  }
  const asked = [
    ...iface.map(text => `-iface ${text}`),
    ...ifaceRegex.map(({ source }) => `-iface-regex ${source}`),
    ...(ifaceCanReach ? [`-iface-can-reach ${ifaceCanReach}`] : []),
  ];
  if (asked.length > 0) throw noInterface(`no interface matches ${asked.join(', ')}`, state);
  const owned = enabled.flatMap(family => byNameOrAddress(state, publicIps[family] ?? '') ?? []);
  if (owned[0]) return { ...owned[0], why: 'it has the public address' };
  return byDefaultRoute(state, enabled);
}

/** An address that no device has, as a public one behind NAT, is not found. */
function byNameOrAddress(state: NetState, wanted: string): Omit<Chosen, 'why'> | undefined {
  const ip = canonicalIp(wanted);
  if (ip === undefined) return linkOf(state, wanted) ? { name: wanted, ips: {} } : undefined;
  const owner = addressesOf(state).find(address => ipOf(address) === ip);
  return owner && { name: owner.dev, ips: { [familyOf(ip)]: ip } };
}

/** A device with a matching address of every enabled family, else one with a matching name. */
function byPattern(
  state: NetState,
  pattern: RegExp,
  enabled: readonly Family[],
): Omit<Chosen, 'why'> | undefined {
  const names = state.flatMap(entry => (entry.kind === 'link' ? [entry.name] : []));
  for (const name of names) {
    const matching = addressesOf(state, name)
      .map(ipOf)
      .filter(ip => pattern.test(ip));
    const ips = Object.fromEntries(
      enabled.flatMap(family => {
        const ip = matching.find(match => familyOf(match) === family);
        return ip === undefined ? [] : [[family, ip]];
      }),
    );
    if (Object.keys(ips).length === enabled.length) return { name, ips };
  }
  const name = names.find(text => pattern.test(text));
  return name === undefined ? undefined : { name, ips: {} };
}

/** The device of the best default route of the first enabled family, which has to do for the other one too. */
function byDefaultRoute(state: NetState, enabled: readonly Family[]): Chosen {
  const to = enabled[0] === 6 ? '::/0' : '0.0.0.0/0';
  const [route] = state
    .flatMap(entry => (entry.kind === 'route' && entry.to === to && entry.dev ? [entry] : []))
    .sort((a, b) => a.metric - b.metric);
  if (route?.dev) return { name: route.dev, ips: {}, why: 'default route' };
  throw noInterface('there is no default route to choose an interface by', state);
}

function linkOf(state: NetState, name: string): LinkEntry | undefined {
  return state.find((entry): entry is LinkEntry => entry.kind === 'link' && entry.name === name);
}

function addressesOf(state: NetState, dev?: string): AddressEntry[] {
  return state.filter(
    (entry): entry is AddressEntry => entry.kind === 'address' && (dev === undefined || entry.dev === dev),
  );
}

/** The address most likely to be there tomorrow and reachable from elsewhere; the kernel's order among equals. */
function bestAddress(state: NetState, dev: string, family: Family): string | undefined {
  const usable = addressesOf(state, dev).filter(
    ({ address, traits }) => familyOf(address) === family && !traits?.includes('deprecated'),
  );
  const [best] = usable.sort((a, b) => weight(a) - weight(b));
  return best && ipOf(best);
}

/** Upstream's order: from elsewhere reachable, then permanent, then not made up for privacy. */
function weight(entry: AddressEntry): number {
  const { traits = [] } = entry;
  return (
    (isLinkLocal(ipOf(entry)) ? 4 : 0) +
    (traits.includes('dynamic') ? 2 : 0) +
    (traits.includes('temporary') ? 1 : 0)
  );
}

function isLinkLocal(ip: string): boolean {
  const prefix = parseCidr(`${ip}/16`);
  return prefix !== undefined && formatCidr(prefix) === '169.254.0.0/16';
}

function noInterface(message: string, state: NetState): UserError {
  const known = state.flatMap(entry => (entry.kind === 'link' ? [describe(state, entry.name)] : []));
  return new UserError(message, {
    hint: `give -iface=<name or address>; there is: ${known.join(', ') || 'no interface at all'}`,
  });
}

function describe(state: NetState, name: string): string {
  const own = addressesOf(state, name).map(ipOf);
  return own.length > 0 ? `${name} (${own.join(', ')})` : name;
}

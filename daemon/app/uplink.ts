// Finds the device that reaches the other nodes: -iface, else the owner of -public-ip, else the default route.
import { UserError } from '../../lib/errors.ts';
import { cidr4, contains, formatIp4, parseCidr4, parseIp4 } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import type { NetState } from '../model/net-state.ts';
import type { Uplink } from '../model/underlay.ts';

export interface UplinkChoice {
  /** Names or addresses, the first that fits wins. */
  readonly iface: readonly string[];
  /** Unsigned 32-bit. */
  readonly publicIp: number | undefined;
}

const linkLocal = cidr4(169 * 2 ** 24 + 254 * 2 ** 16, 16);

/** Throws a UserError that lists the devices there are. */
export function chooseUplink(state: NetState, choice: UplinkChoice, log: Logger): Uplink {
  const { name, ip, why } = choose(state, choice);
  const link = state.find(entry => entry.kind === 'link' && entry.name === name);
  const mtu = link?.kind === 'link' ? link.mtu : 0;
  const address = ip ?? addressOf(state, name);
  if (address === undefined) throw noInterface(`interface ${name} has no IPv4 address`, state);
  if (mtu === 0) throw noInterface(`interface ${name} has no MTU`, state);
  log.info('using interface', { name, address: formatIp4(address), mtu, why });
  return { name, ip: address, mtu };
}

function choose(
  state: NetState,
  { iface, publicIp }: UplinkChoice,
): { name: string; ip?: number; why: string } {
  for (const wanted of iface) {
    const ip = parseIp4(wanted);
    const name = ip === undefined ? nameOf(state, wanted) : ownerOf(state, ip);
    if (name !== undefined) return { name, ...(ip === undefined ? {} : { ip }), why: `-iface ${wanted}` };
  }
  if (iface.length > 0) throw noInterface(`no interface matches -iface ${iface.join(', ')}`, state);
  const owner = publicIp === undefined ? undefined : ownerOf(state, publicIp);
  if (owner !== undefined && publicIp !== undefined) return { name: owner, ip: publicIp, why: '-public-ip' };
  const [route] = state
    .flatMap(entry => (entry.kind === 'route' && entry.to === '0.0.0.0/0' && entry.dev ? [entry] : []))
    .sort((a, b) => a.metric - b.metric);
  if (route?.dev) return { name: route.dev, why: 'default route' };
  throw noInterface('there is no default route to choose an interface by', state);
}

function nameOf(state: NetState, name: string): string | undefined {
  return state.some(entry => entry.kind === 'link' && entry.name === name) ? name : undefined;
}

function ownerOf(state: NetState, ip: number): string | undefined {
  return addresses(state).find(address => address.ip === ip)?.dev;
}

/** The first address that is reachable from elsewhere, else a link-local one. */
function addressOf(state: NetState, dev: string): number | undefined {
  const own = addresses(state).filter(address => address.dev === dev);
  return (own.find(({ ip }) => !contains(linkLocal, ip)) ?? own[0])?.ip;
}

function addresses(state: NetState): { readonly dev: string; readonly ip: number }[] {
  return state.flatMap(entry => {
    if (entry.kind !== 'address' || !parseCidr4(entry.address)) return [];
    const ip = parseIp4(entry.address.slice(0, entry.address.indexOf('/')));
    return ip === undefined ? [] : [{ dev: entry.dev, ip }];
  });
}

function noInterface(message: string, state: NetState): UserError {
  const known = state.flatMap(entry => (entry.kind === 'link' ? [describe(state, entry.name)] : []));
  return new UserError(message, {
    hint: `give -iface=<name or address>; there is: ${known.join(', ') || 'no interface at all'}`,
  });
}

function describe(state: NetState, name: string): string {
  const own = addresses(state).filter(({ dev }) => dev === name);
  return own.length > 0 ? `${name} (${own.map(({ ip }) => formatIp4(ip)).join(', ')})` : name;
}

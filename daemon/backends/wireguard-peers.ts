// What a lease says of a wireguard peer: its key, where it is reached, and why it cannot be used.
import { canonicalIp, contains, type Family, familyOf, parseCidr, parseIp } from '../../lib/ip.ts';
import type { Json } from '../model/lease.ts';
import type { Peer } from '../model/peers.ts';
import { isKey } from '../model/wireguard-key.ts';
import type { Self } from './backend.ts';

export type Mode = 'separate' | 'auto' | 'ipv4' | 'ipv6';

const dataNames: Readonly<Record<Family, string>> = { 4: 'BackendData', 6: 'BackendV6Data' };
const publicIpNames: Readonly<Record<Family, string>> = { 4: 'PublicIP', 6: 'PublicIPv6' };

/** Why there can be no tunnel to it; undefined when there can. */
export function objectionTo(peer: Peer, mode: Mode, self: Self): string | undefined {
  const key = publicKeyOf(peer.data);
  if (!key) return `${dataNames[peer.family]} has no PublicKey that is one`;
  if (key === self.keys?.publicKey)
    return 'it has our own public key: each host needs a key file of its own, so remove it on one of them';
  const family = familyTo(peer, mode, self);
  return peer.lease.publicIps[family]
    ? undefined
    : `it has no ${publicIpNames[family]}, which the Mode needs`;
}

export function publicKeyOf(data: Json | undefined): string | undefined {
  const key = memberOf(data, 'PublicKey');
  return isKey(key) ? key : undefined;
}

/** Where to send to; `usual` is the port of nodes that do not say theirs, as those of flannel before 0.26.6. */
export function endpointOf(peer: Peer, mode: Mode, self: Self, usual: number): string | undefined {
  const { publicIps, backendData } = peer.lease;
  const ip = canonicalIp(publicIps[familyTo(peer, mode, self)] ?? '');
  if (ip === undefined) return undefined;
  // With one device for both families upstream publishes a port in BackendV6Data that nobody listens on.
  const said = mode === 'separate' ? [peer.data] : [backendData[4], backendData[6]];
  const port = said.map(portOf).find(one => one !== undefined) ?? usual;
  return familyOf(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function portOf(data: Json | undefined): number | undefined {
  const port = memberOf(data, 'Port');
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined;
}

function memberOf(data: Json | undefined, name: string): unknown {
  return data !== null && typeof data === 'object' ? Reflect.get(data, name) : undefined;
}

function familyTo({ family, lease }: Peer, mode: Mode, self: Self): Family {
  switch (mode) {
    case 'separate':
      return family;
    case 'ipv4':
      return 4;
    case 'ipv6':
      return 6;
    case 'auto':
      return likelyFamily(self, lease.publicIps);
    default:
      return mode satisfies never;
  }
}

/** Upstream's choice: a public IPv4 address can be reached from about everywhere, one of IPv6 between those that have one. */
function likelyFamily({ publicIps: own }: Self, theirs: Peer['lease']['publicIps']): Family {
  if (!own[6] || !theirs[6]) return own[4] ? 4 : 6;
  if (!own[4] || !theirs[4]) return 6;
  if (!isPrivate(theirs[4])) return 4;
  return isPrivate(theirs[6]) || isPrivate(own[6]) ? 4 : 6;
}

/** RFC 1918, RFC 4193, and what counts on one link only. */
const privatePrefixes = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fe80::/10'].flatMap(
  text => parseCidr(text) ?? [],
);

function isPrivate(address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && privatePrefixes.some(prefix => contains(prefix, ip));
}

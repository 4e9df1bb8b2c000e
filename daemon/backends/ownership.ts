// Which present entries flannel made: the rules are loose enough for what Go daemons left, and no looser.
import { addressIn, type Cidr, contains, familyOf, parseCidr, sameCidr } from '../../lib/ip.ts';
import { type NetEntry, type RouteEntry, usualMetric } from '../model/net-state.ts';
import type { Self } from './backend.ts';

/**
 * Ours is what stands on our devices, and routes as flannel writes them: protocol boot, inside a cluster network,
 * through a neighbour on the uplink. Routes with another protocol or a metric belong to someone else.
 */
export function isOurs(entry: NetEntry, { uplink, networks }: Self, devices: readonly string[]): boolean {
  switch (entry.kind) {
    case 'neighbour':
    case 'fdb':
    case 'wireguard-peer':
      return devices.includes(entry.dev);
    case 'address':
      return devices.includes(entry.dev) && isInside(entry.address, networks);
    case 'route':
      if (entry.protocol !== 'boot' || entry.dev === undefined) return false;
      if (entry.metric !== usualMetric[familyOf(entry.to)]) return false;
      if (devices.includes(entry.dev)) return isTunnelRoute(entry, networks);
      return entry.dev === uplink.name && entry.via !== undefined && isInside(entry.to, networks);
    case 'link':
    case 'wireguard':
    case 'sysctl':
      return false;
    default:
      return entry satisfies never;
  }
}

/** `sn via B onlink` where B is the first address of sn, or a node (ipip); or 0.7's one route for the whole network. */
function isTunnelRoute({ to, via }: RouteEntry, networks: readonly Cidr[]): boolean {
  const subnet = parseCidr(to);
  if (!subnet) return false;
  if (via === undefined) return networks.some(network => sameCidr(network, subnet));
  return via === addressIn(subnet, 0) || isInside(to, networks);
}

/** Whether an address or a route lies in a cluster network, and is not all of it. */
export function isInside(text: string, networks: readonly Cidr[]): boolean {
  const prefix = parseCidr(text);
  return networks.some(
    network => prefix !== undefined && contains(network, prefix) && prefix.length > network.length,
  );
}

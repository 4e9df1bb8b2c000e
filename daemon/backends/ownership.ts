// Which present entries flannel made: the rules are loose enough for what Go daemons left, and no looser.
import { type Cidr4, contains, formatCidr4, formatIp4, parseCidr4, parseIp4 } from '../../lib/ip.ts';
import type { NetEntry, RouteEntry } from '../model/net-state.ts';
import type { Self } from './backend.ts';

/**
 * Ours is what stands on our devices, and routes as flannel writes them: protocol boot, inside a cluster network,
 * through a neighbour on the uplink. Routes with another protocol or a metric belong to someone else.
 */
export function isOurs(entry: NetEntry, { uplink, networks }: Self, devices: readonly string[]): boolean {
  switch (entry.kind) {
    case 'neighbour':
    case 'fdb':
      return devices.includes(entry.dev);
    case 'address':
      return devices.includes(entry.dev) && isInside(entry.address, networks);
    case 'route':
      if (entry.protocol !== 'boot' || entry.metric !== 0 || entry.dev === undefined) return false;
      if (devices.includes(entry.dev)) return isTunnelRoute(entry, networks);
      return entry.dev === uplink.name && entry.via !== undefined && isInside(entry.to, networks);
    case 'link':
    case 'sysctl':
      return false;
    default:
      return entry satisfies never;
  }
}

/** `sn via B onlink` where B is the first address of sn, or 0.7's one route for the whole network. */
function isTunnelRoute({ to, via }: RouteEntry, networks: readonly Cidr4[]): boolean {
  const subnet = parseCidr4(to);
  if (!subnet) return false;
  if (via === undefined) return networks.some(network => formatCidr4(network) === to);
  return via === formatIp4(subnet.base);
}

function isInside(text: string, networks: readonly Cidr4[]): boolean {
  const [address = '', length] = text.split('/');
  const ip = parseIp4(address);
  return networks.some(
    network => ip !== undefined && contains(network, ip) && Number(length) > network.length,
  );
}

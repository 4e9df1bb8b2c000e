// Routes of an overlay: through a device, to each peer directly, or for the whole network; pure.
import { type Cidr, contains, type Family, familyOf, formatCidr, parseCidr, parseIp } from '../../lib/ip.ts';
import type { Route } from '../ask.ts';
import type { NetworkConfig } from '../cluster-spec.ts';
import type { KernelFacts, Overlay, OverlayText, Peer, View } from './overlay-facts.ts';

/** Routes that the kernel makes for itself are of its own protocol; those of link-local addresses are, too. */
export function tunnelRoutes({ routes }: KernelFacts, device: string, family: Family): OverlayText {
  return routes
    .filter(route => route.dev === device && isOf(route, family) && route.protocol !== 'kernel')
    .map(({ dst, gateway, flags }) => `route ${dst} via ${gateway} dev ${device} ${flags?.join(' ')}`);
}

/** With DirectRouting, the peers that are reached without a gateway and the others; else all are others. */
export function split(
  { own, peers }: View,
  { Backend }: NetworkConfig,
  { links, routes }: KernelFacts,
): readonly [near: readonly Peer[] | undefined, far: readonly Peer[]] {
  if (Backend.DirectRouting !== true) return [undefined, peers];
  const uplink = links.find(({ addr_info = [] }) => addr_info.some(({ local }) => local === own?.publicIp));
  const isNear = ({ publicIp }: Peer) => {
    const route = routeTo(routes, publicIp);
    return route !== undefined && route.gateway === undefined && route.dev === uplink?.ifname;
  };
  return [peers.filter(isNear), peers.filter(peer => !isNear(peer))];
}

/** The longest prefix that has the address in it. */
function routeTo(routes: readonly Route[], address: string): Route | undefined {
  const ip = parseIp(address);
  const fits = routes.flatMap(route => {
    const prefix = prefixOf(route, familyOf(address));
    return ip && prefix && prefix.family === ip.family && contains(prefix, ip) ? [{ route, prefix }] : [];
  });
  return fits.toSorted((a, b) => b.prefix.length - a.prefix.length)[0]?.route;
}

function prefixOf({ dst }: Route, family: Family): Cidr | undefined {
  if (dst === 'default') return parseCidr(family === 4 ? '0.0.0.0/0' : '::/0');
  return parseCidr(dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`);
}

function isOf({ dst }: Route, family: Family): boolean {
  return dst !== 'default' && dst.includes(':') === (family === 6);
}

/** Routes with another protocol than `boot` are somebody else's. */
export function direct({ family, network }: View, peers: readonly Peer[], { routes }: KernelFacts): Overlay {
  const all = parseCidr(network);
  const inside = (route: Route) => {
    const prefix = isOf(route, family) ? prefixOf(route, family) : undefined;
    return all !== undefined && prefix !== undefined && contains(all, prefix);
  };
  const ours = ({ dev, protocol = 'boot' }: Route) => protocol === 'boot' && !dev?.startsWith('flannel');
  return {
    wanted: peers.map(({ subnet, publicIp }) => `route ${formatCidr(subnet)} via ${publicIp}`),
    present: routes
      .filter(route => inside(route) && ours(route))
      .map(({ dst, gateway, dev }) => `route ${dst} via ${gateway ?? dev}`),
  };
}

/** Of devices that find out by themselves which peer a packet is for. */
export function networkRoutes(
  routes: readonly Route[],
  family: Family,
  isDevice: (dev: string) => boolean,
): OverlayText {
  return routes
    .filter(route => isOf(route, family) && isDevice(route.dev ?? '') && route.protocol !== 'kernel')
    .map(({ dst, dev }) => `route ${dst} dev ${dev}`);
}

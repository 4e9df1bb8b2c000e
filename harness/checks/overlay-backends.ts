// What each backend makes of leases in the kernel, and what of it is there: as text, line by line; pure.
import { addressIn, familyOf, formatCidr } from '../../lib/ip.ts';
import type { NetworkConfig } from '../cluster-spec.ts';
import type { Judge, KernelFacts, Overlay, Peer, View } from './overlay-facts.ts';
import { direct, networkRoutes, split, tunnelRoutes } from './overlay-routes.ts';

export const judges: Readonly<Record<string, Judge>> = {
  vxlan: each(vxlan),
  'host-gw': each((view, _, facts) => direct(view, view.peers, facts)),
  ipip: each(ipip),
  udp: each(udp),
  wireguard,
  alloc: noDevices,
  // What its commands make is theirs to know.
  extension: () => ({ wanted: [], present: [] }),
};

type FamilyJudge = (view: View, config: NetworkConfig, facts: KernelFacts) => Overlay;

function each(judge: FamilyJudge): Judge {
  return (views, config, facts) => joined(views.map(view => judge(view, config, facts)));
}

function joined(parts: readonly Overlay[]): Overlay {
  return {
    wanted: parts.flatMap(({ wanted }) => wanted),
    present: parts.flatMap(({ present }) => present),
  };
}

function vxlan(view: View, config: NetworkConfig, facts: KernelFacts): Overlay {
  const { family, own } = view;
  const device = `flannel${family === 4 ? '' : '-v6'}.${config.Backend.VNI ?? 1}`;
  const [near, far] = split(view, config, facts);
  const usable = far.filter(peer => peer.vtepMac);
  const mac = facts.links.find(link => link.ifname === device)?.address;
  const record = (of: string | undefined) => `record with VtepMAC ${of}${family === 6 ? ' for IPv6' : ''}`;
  const base = ({ subnet }: Peer) => addressIn(subnet, 0);
  const tunnelled: Overlay = {
    wanted: [
      record(own?.vtepMac?.toLowerCase()),
      ...usable.map(peer => `route ${formatCidr(peer.subnet)} via ${base(peer)} dev ${device} onlink`),
      ...usable.map(peer => `neighbour ${base(peer)} lladdr ${peer.vtepMac?.toLowerCase()}`),
      ...usable.map(peer => `fdb ${peer.vtepMac?.toLowerCase()} dst ${peer.publicIp}`),
    ],
    present: [
      record(mac),
      ...tunnelRoutes(facts, device, family),
      ...facts.neighbours
        .filter(({ dev, dst }) => dev === device && familyOf(dst) === family)
        .map(({ dst, lladdr }) => `neighbour ${dst} lladdr ${lladdr}`),
      ...facts.fdb
        .filter(({ ifname, dst }) => ifname === device && dst !== undefined)
        .map(entry => `fdb ${entry.mac} dst ${entry.dst}`),
    ],
  };
  return near === undefined ? tunnelled : joined([tunnelled, direct(view, near, facts)]);
}

function ipip(view: View, config: NetworkConfig, facts: KernelFacts): Overlay {
  const device = 'flannel.ipip';
  const [near, far] = split(view, config, facts);
  const tunnelled: Overlay = {
    wanted: far.map(
      ({ subnet, publicIp }) => `route ${formatCidr(subnet)} via ${publicIp} dev ${device} onlink`,
    ),
    present: tunnelRoutes(facts, device, view.family),
  };
  return near === undefined ? tunnelled : joined([tunnelled, direct(view, near, facts)]);
}

/** Which peers there are, only the daemon's data plane knows. */
function udp({ family, network }: View, _: NetworkConfig, { links, routes }: KernelFacts): Overlay {
  // It takes the next free name.
  const device = links.find(({ ifname }) => /^flannel\d+$/.test(ifname))?.ifname ?? 'flannel0';
  return {
    wanted: [`route ${network} dev ${device}`],
    present: networkRoutes(routes, family, dev => /^flannel\d/.test(dev)),
  };
}

/** One device for each family, or one for both. */
function wireguard(views: readonly View[], config: NetworkConfig, facts: KernelFacts): Overlay {
  const separate = (config.Backend.Mode ?? 'separate') === 'separate';
  const nameOf = ({ family }: View) => (separate && family === 6 ? 'flannel-wg-v6' : 'flannel-wg');
  return joined(
    [...Map.groupBy(views, nameOf)].map(([device, carried]) => wireguardDevice(device, carried, facts)),
  );
}

function wireguardDevice(
  device: string,
  views: readonly View[],
  { routes, wgKeys, wgPeers }: KernelFacts,
): Overlay {
  const ours = (lines: readonly string[]) =>
    lines.map(line => line.split(/\s+/)).filter(([dev]) => dev === device);
  const carried = new Set(views.map(({ family }) => family));
  const peers = Map.groupBy(
    views.flatMap(each => each.peers),
    ({ publicKey }) => publicKey,
  );
  const prefixes = (of: readonly string[]) => of.toSorted().join();
  return {
    wanted: [
      `record with PublicKey ${views[0]?.own?.publicKey}`,
      ...views.map(({ network }) => `route ${network} dev ${device}`),
      ...[...peers].map(
        ([key, parts]) => `peer ${key} for ${prefixes(parts.map(({ subnet }) => formatCidr(subnet)))}`,
      ),
    ],
    present: [
      ...ours(wgKeys).map(([, key]) => `record with PublicKey ${key}`),
      ...views.flatMap(({ family }) => networkRoutes(routes, family, dev => dev === device)),
      ...ours(wgPeers).map(([, key, ...all]) => {
        const known = all.filter(prefix => carried.has(prefix.includes(':') ? 6 : 4));
        return `peer ${key} for ${prefixes(known)}`;
      }),
    ],
  };
}

/** Nothing is made, and what a former backend left is gone. */
function noDevices(_: readonly View[], __: NetworkConfig, { links }: KernelFacts): Overlay {
  const former = /^flannel(\.(\d+|ipip)|-v6\.\d+|-wg(-v6)?)$/;
  return {
    wanted: [],
    present: links.filter(({ ifname }) => former.test(ifname)).map(({ ifname }) => `device ${ifname}`),
  };
}

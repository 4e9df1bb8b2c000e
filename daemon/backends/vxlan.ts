// vxlan: a device for each family; per peer a neighbour entry, a forwarding entry and an onlink route through the device.

import * as z from 'zod/mini';
import { flatMapper, joiner } from '../../lib/changed-span.ts';
import { addressIn, byFamily, type Cidr, type Family, formatCidr } from '../../lib/ip.ts';
import { remembered } from '../../lib/remembered.ts';
import type { Json, Subnets } from '../model/lease.ts';
import { isMac, type LinkEntry, type NetEntry, type NetState, usualMetric } from '../model/net-state.ts';
import type { Peer } from '../model/peers.ts';
import type { Backend, BackendFactory, Self, Situation } from './backend.ts';
import { tooSmall } from './mtu.ts';
import { isOurs } from './ownership.ts';
import { readSettings } from './settings.ts';

/** What the outer headers take from the underlay's MTU, by the family of the outer packet. */
const overhead: Readonly<Record<Family, number>> = { 4: 50, 6: 70 };
/** The kernel's own default, and so upstream's. */
const defaultPort = 8472;

/** Four digits are the most that fit into a device name after `flannel-v6.`. */
const mostVniOfIPv6 = 9999;

const settings = z.object({
  // Seven digits are the most that fit into a device name after `flannel.`.
  vni: z._default(z.int('is not a whole number').check(z.minimum(0), z.maximum(9_999_999)), 1),
  port: z._default(z.int('is not a whole number').check(z.minimum(0), z.maximum(65_535)), 0),
  gbp: z._default(z.boolean('is not true or false'), false),
  learning: z._default(z.boolean('is not true or false'), false),
  directrouting: z._default(z.boolean('is not true or false'), false),
  mtu: z._default(z.int('is not a whole number').check(z.minimum(0), z.maximum(65_535)), 0),
});
type Settings = z.infer<typeof settings>;

const names = {
  vni: 'VNI',
  port: 'Port',
  gbp: 'GBP',
  learning: 'Learning',
  directrouting: 'DirectRouting',
  mtu: 'MTU',
};

export const vxlan: BackendFactory = (config, enabled) => {
  const read = readSettings(settings, names, config);
  if ('problems' in read) return read;
  const { vni } = read.settings;
  if (vni > mostVniOfIPv6 && enabled.includes(6)) {
    const problem = `must be at most ${mostVniOfIPv6} with EnableIPv6`;
    return { problems: [{ key: 'Backend.VNI', value: String(vni), problem }] };
  }
  return { backend: create(read.settings, enabled) };
};

function create(config: Settings, enabled: readonly Family[]): Backend {
  const name: Readonly<Record<Family, string>> = {
    4: `flannel.${config.vni}`,
    6: `flannel-v6.${config.vni}`,
  };
  const devices = enabled.map(family => name[family]);
  const throughTunnel = remembered((peer: Peer) => tunnelled(name[peer.family], peer));
  const allThroughTunnel = flatMapper(throughTunnel);
  const join = joiner<NetEntry>();
  const asDirectAsPossible = ({ self, peers, underlay }: Situation): NetState => {
    const dev = self.uplink.name;
    return peers.flatMap(peer =>
      underlay.isOnLink(peer.publicIp, dev)
        ? [{ ...routeTo(peer.subnet), via: peer.publicIp, dev, onlink: false }]
        : throughTunnel(peer),
    );
  };
  // The kernel takes no tunnel with a larger MTU than the uplink leaves.
  const outerMtu = (uplink: Self['uplink']) => Math.min(config.mtu || uplink.mtu, uplink.mtu);
  const mtu = (family: Family, uplink: Self['uplink']) => outerMtu(uplink) - overhead[family];
  const ownEntries = remembered((self: Self) =>
    remembered((subnets: Subnets) =>
      enabled.flatMap(family => {
        const link = device(name[family], family, config, mtu(family, self.uplink), self);
        return deviceEntries(link, subnets[family]);
      }),
    ),
  );
  return {
    type: 'vxlan',
    devices,
    isUnique: true,
    usesPeers: true,
    // Containers do not know which of the devices their packets will take.
    mtu: uplink => Math.min(...enabled.map(family => mtu(family, uplink))),
    refuses: ({ uplink }) => {
      const outer = outerMtu(uplink);
      const given = { mtu: outer, by: outer < uplink.mtu ? 'Backend.MTU' : uplink.name };
      return tooSmall('vxlan', enabled, given, family => overhead[family]);
    },
    terms: ({ publicIps, macs }) => {
      const backendData = byFamily(enabled, family => ({ VNI: config.vni, VtepMAC: macs[family] ?? '' }));
      return { publicIps, backendType: 'vxlan', backendData };
    },
    objection: ({ family, data }) =>
      vtepMac(data) ? undefined : `${family === 4 ? 'BackendData' : 'BackendV6Data'} has no VtepMAC`,
    desired: situation =>
      join(
        ownEntries(situation.self)(situation.subnets),
        config.directrouting ? asDirectAsPossible(situation) : allThroughTunnel(situation.peers),
      ),
    isOurs: (entry, self) => isOurs(entry, self, devices),
  };
}

function device(
  name: string,
  family: Family,
  { vni, port, learning, gbp }: Settings,
  mtu: number,
  { macs, uplink, tunnelIps }: Self,
): LinkEntry {
  return {
    kind: 'link',
    name,
    mac: macs[family] ?? '',
    mtu,
    up: true,
    tunnel: {
      type: 'vxlan',
      vni,
      port: port || defaultPort,
      uplink: uplink.name,
      local: tunnelIps[family] ?? '',
      learning,
      gbp,
    },
  };
}

function deviceEntries(link: LinkEntry, subnet: Situation['subnets'][Family]): NetState {
  const dev = link.name;
  const length = subnet?.family === 6 ? 128 : 32;
  return [
    link,
    // Router advertisements from the overlay would give the host a default route through it.
    { kind: 'sysctl', path: `net/ipv6/conf/${dev}/accept_ra`, value: '0' },
    ...(subnet ? [{ kind: 'address', dev, address: `${addressIn(subnet, 0)}/${length}` } as const] : []),
  ];
}

/** What leads to a peer through the tunnel. */
function tunnelled(dev: string, { subnet, publicIp, data }: Peer): NetState {
  const mac = vtepMac(data);
  if (!mac) return [];
  const base = addressIn(subnet, 0);
  return [
    { kind: 'neighbour', dev, ip: base, mac },
    { kind: 'fdb', dev, mac, dst: publicIp },
    { ...routeTo(subnet), via: base, dev, onlink: true },
  ];
}

function routeTo(subnet: Cidr) {
  const metric = usualMetric[subnet.family];
  return { kind: 'route', to: formatCidr(subnet), metric, protocol: 'boot' } as const;
}

/** The VtepMAC of a record's data in lower case; undefined when it has none that is a MAC. */
function vtepMac(data: Json | undefined): string | undefined {
  if (data === null || typeof data !== 'object' || !('VtepMAC' in data)) return undefined;
  const mac = data.VtepMAC;
  return isMac(mac) ? mac.toLowerCase() : undefined;
}

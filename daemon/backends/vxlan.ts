// vxlan: one device per node; per peer a neighbour entry, a forwarding entry and an onlink route through the device.
import * as z from 'zod/mini';
import { formatCidr4, formatIp4 } from '../../lib/ip.ts';
import type { Lease } from '../model/lease.ts';
import type { LinkEntry, NetEntry, NetState } from '../model/net-state.ts';
import type { Backend, BackendFactory, Self, Situation } from './backend.ts';
import { isOurs } from './ownership.ts';
import { isMac, readSettings } from './settings.ts';

/** What the outer headers take from the underlay's MTU. */
const overhead = 50;
/** The kernel's own default, and so upstream's. */
const defaultPort = 8472;

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

export const vxlan: BackendFactory = config => {
  const read = readSettings(settings, names, config);
  return 'problems' in read ? read : { backend: create(read.settings) };
};

function create(config: Settings): Backend {
  const name = `flannel.${config.vni}`;
  const mtu = (self: Pick<Self, 'uplink'>) => (config.mtu || self.uplink.mtu) - overhead;
  return {
    type: 'vxlan',
    devices: [name],
    mtu: uplink => mtu({ uplink }),
    refuses: () => undefined,
    terms: ({ publicIp, mac }) => ({
      publicIp,
      publicIp6: null,
      backendType: 'vxlan',
      backendData: { VNI: config.vni, VtepMAC: mac },
      backendV6Data: undefined,
    }),
    objection: lease => (vtepMac(lease) ? undefined : 'BackendData has no VtepMAC'),
    desired: situation => [
      device(name, config, mtu(situation.self), situation.self),
      // Router advertisements from the overlay would give the host a default route through it.
      { kind: 'sysctl', path: `net/ipv6/conf/${name}/accept_ra`, value: '0' },
      ...(situation.subnet
        ? [{ kind: 'address', dev: name, address: `${formatIp4(situation.subnet.base)}/32` } as const]
        : []),
      ...situation.peers.flatMap(peer => peerEntries(name, config, peer, situation)),
    ],
    isOurs: (entry, self) => isOurs(entry, self, [name]),
  };
}

function device(name: string, { vni, port, learning, gbp }: Settings, mtu: number, self: Self): LinkEntry {
  return {
    kind: 'link',
    name,
    mac: self.mac,
    mtu,
    up: true,
    vxlan: {
      vni,
      port: port || defaultPort,
      uplink: self.uplink.name,
      local: formatIp4(self.tunnelIp),
      learning,
      gbp,
    },
  };
}

function peerEntries(
  dev: string,
  { directrouting }: Settings,
  peer: Lease,
  { self, underlay }: Situation,
): NetState {
  const to = formatCidr4(peer.subnet);
  const publicIp = formatIp4(peer.publicIp);
  const route = { kind: 'route', to, metric: 0, protocol: 'boot' } as const;
  if (directrouting && underlay.isOnLink(peer.publicIp, self.uplink.name))
    return [{ ...route, via: publicIp, dev: self.uplink.name, onlink: false }];
  const mac = vtepMac(peer);
  if (!mac) return [];
  const base = formatIp4(peer.subnet.base);
  return [
    { kind: 'neighbour', dev, ip: base, mac },
    { kind: 'fdb', dev, mac, dst: publicIp },
    { ...route, via: base, dev, onlink: true },
  ] satisfies NetEntry[];
}

/** The peer's VtepMAC in lower case; undefined when the record has none that is a MAC. */
function vtepMac({ backendData }: Lease): string | undefined {
  if (backendData === null || typeof backendData !== 'object' || !('VtepMAC' in backendData))
    return undefined;
  const mac = backendData.VtepMAC;
  return isMac(mac) ? mac.toLowerCase() : undefined;
}

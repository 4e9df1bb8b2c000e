// ipip: one device for IPv4 in IPv4; a peer is an onlink route through the device, with the peer's address as gateway.
import * as z from 'zod/mini';
import { flatMapper, joiner } from '../../lib/changed-span.ts';
import { addressIn, formatCidr } from '../../lib/ip.ts';
import { remembered } from '../../lib/remembered.ts';
import type { Subnets } from '../model/lease.ts';
import {
  type LinkEntry,
  type NetEntry,
  type NetState,
  type RouteEntry,
  usualMetric,
} from '../model/net-state.ts';
import type { Peer } from '../model/peers.ts';
import type { Backend, BackendFactory, Self, Situation } from './backend.ts';
import { tooSmall } from './mtu.ts';
import { isOurs } from './ownership.ts';
import { readSettings } from './settings.ts';

/** One IPv4 header. */
const overhead = 20;
const name = 'flannel.ipip';

const settings = z.object({
  directrouting: z._default(z.boolean('is not true or false'), false),
});

export const ipip: BackendFactory = (config, enabled) => {
  if (enabled.includes(6))
    return {
      problems: [
        {
          key: 'EnableIPv6',
          value: 'true',
          problem: 'does not go with Backend.Type ipip, which carries IPv4 only; use vxlan or host-gw',
        },
      ],
    };
  const read = readSettings(settings, { directrouting: 'DirectRouting' }, config);
  return 'problems' in read ? read : { backend: create(read.settings.directrouting) };
};

function create(directRouting: boolean): Backend {
  const mtu = (uplink: Self['uplink']) => uplink.mtu - overhead;
  const ownEntries = remembered((self: Self) =>
    remembered((subnets: Subnets) => deviceEntries(device(self, mtu(self.uplink)), subnets)),
  );
  const allThroughTunnel = flatMapper((peer: Peer) => [throughTunnel(peer)]);
  const join = joiner<NetEntry>();
  return {
    type: 'ipip',
    devices: [name],
    isUnique: false,
    usesPeers: true,
    mtu,
    refuses: ({ uplink }) => tooSmall('ipip', [4], { mtu: uplink.mtu, by: uplink.name }, () => overhead),
    terms: ({ publicIps }) => ({ publicIps, backendType: 'ipip', backendData: {} }),
    objection: () => undefined,
    desired: situation =>
      join(
        ownEntries(situation.self)(situation.subnets),
        directRouting ? asDirectAsPossible(situation) : allThroughTunnel(situation.peers),
      ),
    isOurs: (entry, self) => isOurs(entry, self, [name]),
  };
}

/** A local address tells it from tunl0, which the kernel makes with the module and which may be in use. */
function device({ tunnelIps }: Self, mtu: number): LinkEntry {
  const tunnel = { type: 'ipip', local: tunnelIps[4] ?? '', remote: 'any', pmtudisc: false } as const;
  return { kind: 'link', name, mac: '', mtu, up: true, tunnel };
}

function deviceEntries(link: LinkEntry, subnets: Subnets): NetState {
  if (!subnets[4]) return [link];
  return [link, { kind: 'address', dev: name, address: `${addressIn(subnets[4], 0)}/32` }];
}

function asDirectAsPossible({ self, peers, underlay }: Situation): NetState {
  const dev = self.uplink.name;
  return peers.map(peer => {
    const route = throughTunnel(peer);
    return underlay.isOnLink(peer.publicIp, dev) ? { ...route, dev, onlink: false } : route;
  });
}

function throughTunnel({ subnet, publicIp }: Peer): RouteEntry {
  return {
    kind: 'route',
    to: formatCidr(subnet),
    via: publicIp,
    dev: name,
    onlink: true,
    metric: usualMetric[4],
    protocol: 'boot',
  };
}

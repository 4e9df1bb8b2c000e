// host-gw: peers are next hops on a shared segment; one route each and no device.
import { flatMapper } from '../../lib/changed-span.ts';
import { formatCidr } from '../../lib/ip.ts';
import { remembered } from '../../lib/remembered.ts';
import { type NetState, usualMetric } from '../model/net-state.ts';
import type { Peer } from '../model/peers.ts';
import type { Uplink } from '../model/underlay.ts';
import type { BackendFactory } from './backend.ts';
import { isOurs } from './ownership.ts';

export const hostGw: BackendFactory = (_config, enabled) => ({
  backend: {
    type: 'host-gw',
    devices: [],
    isUnique: false,
    usesPeers: true,
    mtu: uplink => uplink.mtu,
    refuses: ({ publicIps, uplink }) => {
      const family = enabled.find(family => publicIps[family] !== uplink.ips[family]);
      return family
        ? `host-gw needs the public IP ${publicIps[family]} to be an address of ${uplink.name}, which has ${uplink.ips[family]}`
        : undefined;
    },
    terms: ({ publicIps }) => ({ publicIps, backendType: 'host-gw', backendData: {} }),
    objection: () => undefined,
    desired: ({ self, peers }) => routesThrough(self.uplink)(peers),
    isOurs: (entry, self) => isOurs(entry, self, []),
  },
});

const routesThrough = remembered((uplink: Uplink) =>
  flatMapper(
    ({ family, subnet, publicIp }: Peer): NetState => [
      {
        kind: 'route',
        to: formatCidr(subnet),
        via: publicIp,
        dev: uplink.name,
        onlink: false,
        metric: usualMetric[family],
        protocol: 'boot',
      },
    ],
  ),
);

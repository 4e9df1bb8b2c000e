// host-gw: peers are next hops on a shared segment; one route each and no device.
import { formatCidr4, formatIp4 } from '../../lib/ip.ts';
import type { BackendFactory } from './backend.ts';
import { isOurs } from './ownership.ts';

export const hostGw: BackendFactory = () => ({
  backend: {
    type: 'host-gw',
    devices: [],
    mtu: uplink => uplink.mtu,
    refuses: ({ publicIp, uplink }) =>
      publicIp === uplink.ip
        ? undefined
        : `host-gw needs the public IP ${formatIp4(publicIp)} to be an address of ${uplink.name}, which has ${formatIp4(uplink.ip)}`,
    terms: ({ publicIp }) => ({
      publicIp,
      publicIp6: null,
      backendType: 'host-gw',
      backendData: undefined,
      backendV6Data: undefined,
    }),
    objection: () => undefined,
    desired: ({ self, peers }) =>
      peers.map(({ subnet, publicIp }) => ({
        kind: 'route',
        to: formatCidr4(subnet),
        via: formatIp4(publicIp),
        dev: self.uplink.name,
        onlink: false,
        metric: 0,
        protocol: 'boot',
      })),
    isOurs: (entry, self) => isOurs(entry, self, []),
  },
});

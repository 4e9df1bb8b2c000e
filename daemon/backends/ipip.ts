// ipip: one device for IPv4 in IPv4; a peer is an onlink route through the device, with the peer's address as gateway.
import * as z from 'zod/mini';
import { addressIn, formatCidr } from '../../lib/ip.ts';
import { type LinkEntry, type NetEntry, usualMetric } from '../model/net-state.ts';
import type { Backend, BackendFactory, Self } from './backend.ts';
import { isOurs } from './ownership.ts';
import { readSettings } from './settings.ts';

/** One IPv4 header. */
const overhead = 20;
/** What every IPv4 link must carry (RFC 791); the kernel makes no tunnel with less. */
const leastMtu = 68;
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
  return {
    type: 'ipip',
    devices: [name],
    isUnique: false,
    usesPeers: true,
    mtu,
    refuses: ({ uplink }) =>
      mtu(uplink) < leastMtu
        ? `the MTU ${uplink.mtu} of ${uplink.name} is too small for ipip, which needs at least ${leastMtu + overhead}`
        : undefined,
    terms: ({ publicIps }) => ({ publicIps, backendType: 'ipip', backendData: {} }),
    objection: () => undefined,
    desired: ({ self, subnets, peers, underlay }) => [
      device(self, mtu(self.uplink)),
      ...(subnets[4]
        ? [{ kind: 'address', dev: name, address: `${addressIn(subnets[4], 0)}/32` } as const]
        : []),
      ...peers.map(({ subnet, publicIp }): NetEntry => {
        const isDirect = directRouting && underlay.isOnLink(publicIp, self.uplink.name);
        return {
          kind: 'route',
          to: formatCidr(subnet),
          via: publicIp,
          dev: isDirect ? self.uplink.name : name,
          onlink: !isDirect,
          metric: usualMetric[4],
          protocol: 'boot',
        };
      }),
    ],
    isOurs: (entry, self) => isOurs(entry, self, [name]),
  };
}

/** A local address tells it from tunl0, which the kernel makes with the module and which may be in use. */
function device({ tunnelIps }: Self, mtu: number): LinkEntry {
  const tunnel = { type: 'ipip', local: tunnelIps[4] ?? '', remote: 'any', pmtudisc: false } as const;
  return { kind: 'link', name, mac: '', mtu, up: true, tunnel };
}

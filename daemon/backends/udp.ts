// udp: bare IP packets in datagrams, carried by a thread of this process between a TUN device and the peers.
import * as z from 'zod/mini';
import type { Family } from '../../lib/ip.ts';
import type { Backend, BackendFactory, Self } from './backend.ts';
import { tooSmall } from './mtu.ts';
import { networkEntries } from './network-route.ts';
import { isOurs } from './ownership.ts';
import { readSettings } from './settings.ts';

/** An outer IP header and one of UDP. */
const overhead: Readonly<Record<Family, number>> = { 4: 28, 6: 48 };
/** As every flannel version has it. */
const defaultPort = 8285;

const port = 'is not a port from 1 to 65535';
const settings = z.object({
  port: z._default(z.int(port).check(z.gte(0, port), z.lte(65_535, port)), defaultPort),
});

export const udp: BackendFactory = (config, enabled) => {
  const read = readSettings(settings, { port: 'Port' }, config);
  return 'problems' in read ? read : { backend: create(read.settings.port || defaultPort, enabled) };
};

function create(port: number, enabled: readonly Family[]): Backend {
  const mtu = (uplink: Self['uplink']) => Math.min(...enabled.map(family => uplink.mtu - overhead[family]));
  return {
    type: 'udp',
    devices: [],
    isUnique: false,
    usesPeers: true,
    mtu,
    refuses: ({ uplink }) =>
      tooSmall('udp', enabled, { mtu: uplink.mtu, by: uplink.name }, family => overhead[family]),
    carrier: ({ tun, tunnelIps }) => ({ device: tun, addresses: tunnelIps, port }),
    // Upstream leaves the type out.
    terms: ({ publicIps }) => ({ publicIps, backendType: '', backendData: {} }),
    objection: () => undefined,
    desired: ({ self: { tun, uplink, networks }, subnets }) => [
      { kind: 'link', name: tun, mac: '', mtu: mtu(uplink), up: true, tunnel: { type: 'tun' } },
      // What the data plane tells senders comes from our own address, in at the device.
      ...(enabled.includes(4)
        ? [{ kind: 'sysctl', path: `net/ipv4/conf/${tun}/accept_local`, value: '1' } as const]
        : []),
      ...enabled.flatMap(family => {
        const subnet = subnets[family];
        const network = networks.find(({ family: of }) => of === family);
        return subnet && network ? networkEntries(tun, subnet, network) : [];
      }),
    ],
    isOurs: (entry, self) => isOurs(entry, self, [self.tun]),
  };
}

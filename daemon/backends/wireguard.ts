// wireguard: encrypted packets in UDP; one device for each family or one for both, and on it a peer for each node.
import * as z from 'zod/mini';
import { flatMapper, joiner } from '../../lib/changed-span.ts';
import { byFamily, type Family, formatCidr } from '../../lib/ip.ts';
import { remembered } from '../../lib/remembered.ts';
import type { Subnets } from '../model/lease.ts';
import type { NetEntry, NetState } from '../model/net-state.ts';
import type { ConfigProblem } from '../model/network-config.ts';
import type { Peer } from '../model/peers.ts';
import { Secret } from '../model/secret.ts';
import { isKey } from '../model/wireguard-key.ts';
import type { Backend, BackendFactory, Self } from './backend.ts';
import { tooSmall } from './mtu.ts';
import { networkEntries } from './network-route.ts';
import { isOurs } from './ownership.ts';
import { readSettings } from './settings.ts';
import { endpointOf, objectionTo, publicKeyOf } from './wireguard-peers.ts';

/** An outer header of IPv6, one of UDP, and wireguard's own 32 bytes; upstream takes it for either family. */
const overhead = 80;

const port = 'is not a port from 1 to 65535';
const seconds = 'is not a number of seconds from 0 to 65535';
const mtu = 'is not a number of bytes from 0 to 65535';
const settings = z.object({
  listenport: z._default(z.int(port).check(z.gte(1, port), z.lte(65_535, port)), 51_820),
  listenportv6: z._default(z.int(port).check(z.gte(1, port), z.lte(65_535, port)), 51_821),
  psk: z.optional(
    z
      .string('is not a text')
      .check(
        z.refine(text => text === '' || isKey(text), 'is not 44 characters of base64, as `wg genpsk` makes'),
      ),
  ),
  persistentkeepaliveinterval: z._default(z.int(seconds).check(z.gte(0, seconds), z.lte(65_535, seconds)), 0),
  mode: z._default(
    z.enum(['separate', 'auto', 'ipv4', 'ipv6'], 'is not separate, auto, ipv4 or ipv6'),
    'separate',
  ),
  mtu: z._default(z.int(mtu).check(z.gte(0, mtu), z.lte(65_535, mtu)), 0),
});
type Settings = z.infer<typeof settings>;

const names = {
  listenport: 'ListenPort',
  listenportv6: 'ListenPortV6',
  psk: 'PSK',
  persistentkeepaliveinterval: 'PersistentKeepaliveInterval',
  mode: 'Mode',
  mtu: 'MTU',
};

export const wireguard: BackendFactory = (config, enabled) => {
  const read = readSettings(settings, names, config);
  if ('problems' in read) return { problems: read.problems.map(withoutSecret) };
  const problem = contradiction(read.settings, enabled);
  return problem ? { problems: [problem] } : { backend: create(read.settings, enabled) };
};

function withoutSecret(problem: ConfigProblem): ConfigProblem {
  return problem.key === 'Backend.PSK' ? { ...problem, value: '' } : problem;
}

function contradiction(
  { mode, listenport, listenportv6 }: Settings,
  enabled: readonly Family[],
): ConfigProblem | undefined {
  const needed = mode === 'ipv4' ? 4 : mode === 'ipv6' ? 6 : undefined;
  if (needed && !enabled.includes(needed))
    return { key: 'Backend.Mode', value: mode, problem: `needs EnableIPv${needed}` };
  if (mode === 'separate' && enabled.length > 1 && listenport === listenportv6)
    return {
      key: 'Backend.ListenPortV6',
      value: String(listenportv6),
      problem: 'is ListenPort as well, but there are two devices; use another port or another Mode',
    };
  return undefined;
}

function create(config: Settings, enabled: readonly Family[]): Backend {
  const { mode, persistentkeepaliveinterval: keepalive } = config;
  const separate = mode === 'separate';
  const psk = config.psk ? new Secret(config.psk) : undefined;
  const deviceOf = (family: Family) => (separate && family === 6 ? 'flannel-wg-v6' : 'flannel-wg');
  const portOf = (family: Family) => (separate && family === 6 ? config.listenportv6 : config.listenport);
  const devices = [...new Set(enabled.map(deviceOf))];
  const mtu = (uplink: Self['uplink']) => (config.mtu || uplink.mtu) - overhead;

  const linkEntries = ({ uplink, keys }: Self, family: Family): NetState => {
    const name = deviceOf(family);
    const tunnel = { type: 'wireguard' } as const;
    return [
      { kind: 'link', name, mac: '', mtu: mtu(uplink), up: true, tunnel },
      ...(keys ? [{ kind: 'wireguard', dev: name, port: portOf(family), ...keys } as const] : []),
    ];
  };
  const ownEntries = remembered((self: Self) =>
    remembered((subnets: Subnets): NetState => {
      const links = enabled.filter((family, at) => at === 0 || deviceOf(family) !== devices[0]);
      return [
        ...links.flatMap(family => linkEntries(self, family)),
        ...enabled.flatMap(family => {
          const network = self.networks.find(({ family: of }) => of === family);
          const subnet = subnets[family];
          return subnet && network ? networkEntries(deviceOf(family), subnet, network) : [];
        }),
      ];
    }),
  );

  const join = joiner<NetEntry>();
  /** `also` is what the same node offers in the other family, where one tunnel carries both. */
  const tunnelTo = (self: Self, peer: Peer, also?: Peer): NetEntry => ({
    kind: 'wireguard-peer',
    dev: deviceOf(peer.family),
    publicKey: publicKeyOf(peer.data) ?? '',
    endpoint: endpointOf(peer, mode, self, portOf(peer.family)),
    allowedIps: [peer, ...(also ? [also] : [])].map(({ subnet }) => formatCidr(subnet)).sort(),
    keepalive,
    psk,
  });
  const tunnels = remembered((self: Self) => {
    const alone = remembered((peer: Peer) => tunnelTo(self, peer));
    if (separate) return flatMapper((peer: Peer) => [alone(peer)]);
    const together = remembered((peer: Peer) => remembered((also: Peer) => tunnelTo(self, peer, also)));
    // The two peers that a node of both families is stand side by side.
    return (peers: readonly Peer[]): NetState =>
      peers.flatMap((peer, at) => {
        if (peers[at - 1]?.lease === peer.lease) return [];
        const next = peers[at + 1];
        return next?.lease === peer.lease ? together(peer)(next) : alone(peer);
      });
  });

  return {
    type: 'wireguard',
    devices,
    isUnique: true,
    usesPeers: true,
    usesKeys: true,
    mtu,
    refuses: ({ uplink }) => {
      const given = config.mtu
        ? { mtu: config.mtu, by: 'Backend.MTU' }
        : { mtu: uplink.mtu, by: uplink.name };
      return tooSmall('wireguard', enabled, given, () => overhead);
    },
    terms: ({ publicIps, keys }) => {
      const data = (family: Family) => ({ PublicKey: keys?.publicKey ?? '', Port: portOf(family) });
      return { publicIps, backendType: 'wireguard', backendData: byFamily(enabled, data) };
    },
    objection: (peer, self) => objectionTo(peer, mode, self),
    desired: ({ self, subnets, peers }) => join(ownEntries(self)(subnets), tunnels(self)(peers)),
    isOurs: (entry, self) => isOurs(entry, self, devices),
  };
}

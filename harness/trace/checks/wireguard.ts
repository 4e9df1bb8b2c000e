// What wireguard needs besides routes: devices with the keys and ports of their leases, and each the other as a peer.
import { contains, parseCidr, parseIp } from '../../../lib/ip.ts';
import { leaseText, type StoredLease } from '../../stored-lease.ts';
import type { Hop, Path, Side } from '../path.ts';
import { portOf } from '../ports.ts';
import type { WireguardDevice, WireguardPeer } from '../wireguard.ts';
import { at, type Check, type Finding } from './finding.ts';

/** A session without a new handshake is dead after so many seconds. */
const sessionLife = 180;

export const wireguardChecks: Check = path => {
  if (path.backend !== 'wireguard' || path.tunnel === undefined) return [];
  const { from, to } = path;
  const sent = ['wrap', ['wrap', 'wire']] as const;
  const accepted = ['unwrap', ['wrap', 'unwrap']] as const;
  return [
    ...identity(path, from, 'wrap'),
    ...identity(path, to, 'unwrap'),
    ...peerProblems(path, from, to, ...sent),
    ...peerProblems(path, to, from, ...accepted),
    ...endpointProblems(path),
    ...silence(path),
  ];
};

function device({ facts }: Side, path: Path): WireguardDevice | undefined {
  return facts.wireguard.find(({ name }) => name === path.tunnel);
}

/** Public keys may be read by everybody; a piece tells one from the other. */
const piece = (key: string) => `${key.slice(0, 8)}…`;

/** What the device is, and what its lease tells the others. */
function identity(path: Path, side: Side, hop: Hop): readonly Finding[] {
  const own = device(side, path);
  const { node, lease } = side;
  if (!own || !lease) return [];
  const told = { node, place: node, vanishes: ['wrap', 'unwrap'] } as const;
  const { name, publicKey, port } = own;
  const findings: Finding[] = [];
  if (lease.publicKey !== undefined && lease.publicKey !== publicKey) {
    const text = `${name} has the public key ${piece(publicKey)}, and the lease of ${node} says ${piece(lease.publicKey)}`;
    findings.push(at(path, hop, { ...told, cause: 'wrong-key', text, show: `wg show ${name} public-key` }));
  }
  const wanted = publishedPort(lease) ?? portOf(path.config);
  if (port !== wanted) {
    const text = `${name} listens on port ${port}, and the others send to ${wanted}`;
    findings.push(at(path, hop, { ...told, cause: 'wrong-port', text, show: `wg show ${name} listen-port` }));
  }
  return findings;
}

function publishedPort({ value }: StoredLease): number | undefined {
  const { BackendData } = JSON.parse(value || '{}') as { BackendData?: { Port?: unknown } | null };
  return typeof BackendData?.Port === 'number' ? BackendData.Port : undefined;
}

function peerOf(path: Path, one: Side, other: Side): WireguardPeer | undefined {
  const key = device(other, path)?.publicKey ?? other.lease?.publicKey;
  return device(one, path)?.peers.find(({ publicKey }) => publicKey === key);
}

function accepts({ allowedIps }: WireguardPeer, address: string): boolean {
  const ip = parseIp(address);
  const prefixes = allowedIps.flatMap(text => parseCidr(text) ?? []);
  return ip !== undefined && prefixes.some(prefix => prefix.family === ip.family && contains(prefix, ip));
}

/** One without the other as a peer neither sends it anything nor accepts anything from it. */
function peerProblems(
  path: Path,
  one: Side,
  other: Side,
  hop: Hop,
  vanishes: readonly [Hop, Hop],
): readonly Finding[] {
  const own = device(one, path);
  if (!own) return [];
  const { name } = own;
  const told = { node: one.node, place: one.node, vanishes };
  const subnet = other.lease ? leaseText(other.lease) : other.address;
  const peer = peerOf(path, one, other);
  if (peer && accepts(peer, other.address)) return [];
  if (peer) {
    const text = `${name} accepts ${peer.allowedIps.join() || 'nothing'} from ${other.node}, and not ${subnet}`;
    return [at(path, hop, { ...told, cause: 'no-allowed-ip', text, show: `wg show ${name} allowed-ips` })];
  }
  const wrong = own.peers.find(each => accepts(each, other.address));
  const show = `wg show ${name} peers`;
  if (!wrong) {
    const text = `${name} has no peer for ${subnet} (${other.node})`;
    return [at(path, hop, { ...told, cause: 'no-peer', text, show })];
  }
  const real = device(other, path)?.publicKey;
  const has = real === undefined ? 'has another' : `has ${piece(real)}`;
  const text = `the peer for ${subnet} has the public key ${piece(wrong.publicKey)}, and ${name} of ${other.node} ${has}`;
  return [at(path, hop, { ...told, cause: 'wrong-key', text, show })];
}

function endpointProblems(path: Path): readonly Finding[] {
  const { from, to, tunnel = '' } = path;
  const peer = peerOf(path, from, to);
  const port = device(to, path)?.port;
  // Tunnels over IPv6 go to an address that is not known here.
  if (!peer || port === undefined || peer.endpoint?.startsWith('[')) return [];
  const wanted = `${to.publicIp}:${port}`;
  if (peer.endpoint === wanted) return [];
  const text = `${tunnel} sends to ${peer.endpoint ?? 'nowhere'}, and ${to.node} is at ${wanted}`;
  const show = `wg show ${tunnel} endpoints`;
  return [at(path, 'wrap', { cause: 'wrong-endpoint', text, show, vanishes: ['wrap', 'unwrap'] })];
}

/** Usual between two that have not talked for a while; when packets are lost, it says why. */
function silence(path: Path): readonly Finding[] {
  const { from, to, tunnel = '' } = path;
  const peer = peerOf(path, from, to);
  if (!peer) return [];
  const age = peer.handshake === undefined ? undefined : Math.round(Date.now() / 1000 - peer.handshake);
  if (age !== undefined && age <= sessionLife) return [];
  const since = age === undefined ? 'yet' : `for ${age} s`;
  const text = `no handshake with ${to.node} (${peer.endpoint}) ${since}: it does not hear us, or another preshared key`;
  const show = `wg show ${tunnel} latest-handshakes`;
  return [
    at(path, 'wrap', { cause: 'no-handshake', text, show, vanishes: ['wrap', 'unwrap'], harmless: true }),
  ];
}

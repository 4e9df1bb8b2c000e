// Changes of wireguard devices in the words of `wg addconf`, which leaves everything else as it is.
import type { Op } from '../model/diff.ts';
import type { WireguardEntry, WireguardPeerEntry } from '../model/net-state.ts';

export type WireguardOp = Op & { readonly entry: WireguardEntry | WireguardPeerEntry };

export function isWireguardOp(op: Op): op is WireguardOp {
  return op.entry.kind === 'wireguard' || op.entry.kind === 'wireguard-peer';
}

/**
 * Turning keepalive on sends something at once. Otherwise a peer that knew us before a restart would go on with session
 * keys we no longer have, for 15 s, unless we happen to send something first. A kernel device survives a restart;
 * wireguard-go does not, and stands still when it says hello to many hosts that are gone.
 */
const mostGreeted = 100;

export function configOf(ops: readonly WireguardOp[]): string {
  const isNew = (op: WireguardOp) => op.verb === 'put' && !op.replaces;
  const greets = ops.filter(isNew).length <= mostGreeted;
  return ops
    .flatMap(op => (op.entry.kind === 'wireguard' ? settings(op.entry) : peer(op.entry, greets && isNew(op))))
    .map(line => `${line}\n`)
    .join('');
}

/** Takes away the one a peer had. */
const noKey = `${'A'.repeat(43)}=`;

function settings({ port, privateKey }: WireguardEntry): readonly string[] {
  return [
    '[Interface]',
    ...(privateKey ? [`PrivateKey = ${privateKey.reveal()}`] : []),
    `ListenPort = ${port}`,
  ];
}

function peer(entry: WireguardPeerEntry, greet: boolean): readonly string[] {
  const { publicKey, endpoint, allowedIps, keepalive, psk } = entry;
  const lines = [
    '[Peer]',
    `PublicKey = ${publicKey}`,
    `PresharedKey = ${psk?.reveal() ?? noKey}`,
    `AllowedIPs = ${allowedIps.join(',')}`,
    ...(endpoint ? [`Endpoint = ${endpoint}`] : []),
  ];
  const last = `PersistentKeepalive = ${keepalive || 'off'}`;
  return greet && !keepalive ? [...lines, 'PersistentKeepalive = 1', ...lines, last] : [...lines, last];
}

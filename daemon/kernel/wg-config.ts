// Changes of wireguard devices in the words of `wg addconf`, which leaves everything else as it is.
import type { Op } from '../model/diff.ts';
import type { WireguardEntry, WireguardPeerEntry } from '../model/net-state.ts';

export type WireguardOp = Op & { readonly entry: WireguardEntry | WireguardPeerEntry };

export function isWireguardOp(op: Op): op is WireguardOp {
  return op.entry.kind === 'wireguard' || op.entry.kind === 'wireguard-peer';
}

export function configOf(ops: readonly WireguardOp[]): string {
  return ops
    .flatMap(({ entry }) => (entry.kind === 'wireguard' ? settings(entry) : peer(entry)))
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

function peer({ publicKey, endpoint, allowedIps, keepalive, psk }: WireguardPeerEntry): readonly string[] {
  return [
    '[Peer]',
    `PublicKey = ${publicKey}`,
    `PresharedKey = ${psk?.reveal() ?? noKey}`,
    `AllowedIPs = ${allowedIps.join(',')}`,
    ...(endpoint ? [`Endpoint = ${endpoint}`] : []),
    `PersistentKeepalive = ${keepalive || 'off'}`,
  ];
}

/**
 * Turning keepalive on sends something at once. Otherwise a peer that knew us before wireguard-go was started again would
 * go on with session keys we no longer have, for 15 s, unless we happen to send something first.
 */
export function greeting(publicKeys: readonly string[]): readonly string[] {
  return publicKeys.flatMap(key =>
    ['1', 'off'].flatMap(keepalive => ['peer', key, 'persistent-keepalive', keepalive]),
  );
}

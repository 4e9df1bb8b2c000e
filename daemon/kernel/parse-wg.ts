// What `wg show <device> dump` prints, as network state: the device's line, then one for each peer.
import { UserError } from '../../lib/errors.ts';
import { canonicalIp, formatCidr, parseCidr } from '../../lib/ip.ts';
import type { WireguardEntry, WireguardPeerEntry } from '../model/net-state.ts';
import { Secret } from '../model/secret.ts';

/** Says nothing of what the lines hold, private keys among it, when it does not know them. */
export function parseDump(text: string, dev: string): readonly (WireguardEntry | WireguardPeerEntry)[] {
  const [device = [], ...peers] = text
    .split('\n')
    .filter(Boolean)
    .map(line => line.split('\t'));
  const [, publicKey, port] = device;
  if (publicKey === undefined || !/^\d+$/.test(port ?? '') || peers.some(fields => fields.length < 8))
    throw new UserError(`wg show ${dev} dump did not print the lines we know`, {
      hint: 'wireguard-tools 1.0 or later is needed',
    });
  return [
    { kind: 'wireguard', dev, publicKey: known(publicKey) ?? '', port: Number(port) },
    ...peers.map(fields => peer(fields, dev)),
  ];
}

function peer(fields: readonly string[], dev: string): WireguardPeerEntry {
  const [publicKey = '', psk = '', endpoint = '', allowedIps = '', , , , keepalive = ''] = fields;
  return {
    kind: 'wireguard-peer',
    dev,
    publicKey,
    endpoint: endpointOf(endpoint),
    allowedIps: (known(allowedIps) ?? '').split(',').flatMap(canonicalPrefix).sort(),
    keepalive: Number(keepalive) || 0,
    psk: known(psk) === undefined ? undefined : new Secret(psk),
  };
}

function known(field: string): string | undefined {
  return field === '(none)' || field === '' ? undefined : field;
}

/** As we write it ourselves. */
function endpointOf(field: string): string | undefined {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([\d.]+)):(\d+)$/.exec(field) ?? [];
  if (bracketed !== undefined) return `[${canonicalIp(bracketed) ?? bracketed}]:${port}`;
  return plain === undefined ? undefined : `${plain}:${port}`;
}

function canonicalPrefix(text: string): string[] {
  const prefix = parseCidr(text);
  return prefix ? [formatCidr(prefix)] : [];
}

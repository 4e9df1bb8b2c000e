// Wireguard devices as `wg` tells of them, without anything secret; pure.

export interface WireguardPeer {
  readonly publicKey: string;
  /** `192.168.77.12:51820`; undefined while it is not known. */
  readonly endpoint: string | undefined;
  readonly allowedIps: readonly string[];
  /** Of the latest handshake, in seconds since the epoch; undefined where there has been none. */
  readonly handshake: number | undefined;
}

export interface WireguardDevice {
  readonly name: string;
  readonly publicKey: string;
  readonly port: number;
  readonly peers: readonly WireguardPeer[];
}

/** Neither private nor preshared keys leave the node. */
export const wireguardQuestion = `wg show all dump | awk -F '\\t' 'NF == 5 {print $1, $3, $4} NF == 9 {print $1, $2, $4, $5, $6}'`;

export function parseWireguard(text = ''): readonly WireguardDevice[] {
  const lines = text.split('\n').map(line => line.split(' '));
  const peers = lines
    .filter(({ length }) => length === 5)
    .map(([name, publicKey = '', endpoint, prefixes = '', handshake]) => ({
      name,
      publicKey,
      endpoint: endpoint === '(none)' ? undefined : endpoint,
      allowedIps: prefixes === '(none)' ? [] : prefixes.split(','),
      handshake: Number(handshake) || undefined,
    }));
  return lines
    .filter(({ length }) => length === 3)
    .map(([name = '', publicKey = '', port]) => ({
      name,
      publicKey,
      port: Number(port),
      peers: peers.flatMap(({ name: device, ...peer }) => (device === name ? [peer] : [])),
    }));
}

/** Bytes of the UDP datagram, its header counted, that carries a packet of so many bytes. */
export function datagramOf(bytes: number, mtu: number): number {
  return 8 + 16 + Math.min(Math.ceil(bytes / 16) * 16, mtu) + 16;
}

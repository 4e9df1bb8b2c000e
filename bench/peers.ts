// Nodes that exist as leases only: what they publish, and what the kernel holds of each once a daemon has seen it.

/** A vxlan node. */
export interface Peer {
  /** Base address of its /24. */
  readonly base: string;
  readonly publicIp: string;
  readonly mac: string;
}

/** The node of this number, 0 to 50,000; no two have anything in common. */
export function peer(n: number): Peer {
  const [high, low] = [n >> 8, n & 255];
  const hex = (byte: number) => byte.toString(16).padStart(2, '0');
  return {
    base: `10.${50 + high}.${low}.0`,
    publicIp: `172.${16 + (high >> 4)}.${high & 15}.${low}`,
    mac: `0a:00:00:00:${hex(high)}:${hex(low)}`,
  };
}

/** Key below the prefix, and value, as flannel writes them. */
export function recordOf({ base, publicIp, mac }: Peer): [key: string, value: string] {
  const terms = { PublicIP: publicIp, PublicIPv6: null, BackendType: 'vxlan' };
  return [`subnets/${base}-24`, JSON.stringify({ ...terms, BackendData: { VNI: 1, VtepMAC: mac } })];
}

// Where packets go and may come from: the peers' subnets and addresses, and our own subnets, ready to be looked up.
import { type ByFamily, type Cidr, type Family, parseIp } from '../../lib/ip.ts';
import { PrefixMap } from './prefix-map.ts';

export interface UdpPeer {
  readonly subnet: Cidr;
  /** Of the subnet's family. */
  readonly publicIp: string;
}

/** As the daemon tells the data plane. */
export interface Routes {
  readonly peers: readonly UdpPeer[];
  /** Ours. */
  readonly subnets: ByFamily<Cidr>;
}

export interface Table {
  /** The peer a packet to an address goes to, as an index of `addresses`. */
  readonly to: Readonly<Record<Family, PrefixMap>>;
  /** The peer that has an outer address. */
  readonly from: Readonly<Record<Family, PrefixMap>>;
  /** Whether an address is in our subnet. */
  readonly own: Readonly<Record<Family, PrefixMap>>;
  readonly addresses: readonly string[];
}

export function tableOf({ peers, subnets }: Routes): Table {
  const addresses = [...new Set(peers.map(({ publicIp }) => publicIp))];
  const indexes = new Map(addresses.map((address, index) => [address, index]));
  const each = (entries: (family: Family) => Iterable<readonly [Cidr, number]>) =>
    ({ 4: new PrefixMap(entries(4)), 6: new PrefixMap(entries(6)) }) as const;
  return {
    addresses,
    to: each(family =>
      peers.flatMap(({ subnet, publicIp }) =>
        subnet.family === family ? [[subnet, indexes.get(publicIp) ?? -1] as const] : [],
      ),
    ),
    from: each(family =>
      addresses.flatMap((address, index) => {
        const ip = parseIp(address);
        return ip?.family === family
          ? [[{ family, base: ip.value, length: family === 4 ? 32 : 128 }, index] as const]
          : [];
      }),
    ),
    own: each(family => {
      const subnet = subnets[family];
      return subnet ? [[subnet, 0] as const] : [];
    }),
  };
}

export const noRoutes: Routes = { peers: [], subnets: {} };

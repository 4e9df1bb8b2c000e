// Where packets go and may come from: the peers' subnets and addresses, and our own subnets, ready to be looked up.
import { type ByFamily, type Cidr, cidr, type Family, families, familyOf, parseIp } from '../../lib/ip.ts';
import { PrefixMap } from './prefix-map.ts';
import { socketAddress } from './sockets.ts';

export interface UdpPeer {
  readonly subnet: Cidr;
  /** Of the subnet's family. */
  readonly publicIp: string;
}

type Maps = Readonly<Record<Family, PrefixMap>>;

/** Changes cost what changes: packets do not wait while a thousand peers stay as they are. */
export class Table {
  /** The peer a packet to an address goes to, as an index of `names`. */
  readonly to: Maps = maps();
  /** The peer that has an outer address. */
  readonly from: Maps = maps();
  /** Whether an address is in our subnet. */
  readonly own: Maps = maps();
  /** struct sockaddr of each peer. */
  readonly names: Buffer[] = [];
  readonly #port: number;
  readonly #known = new Map<string, { readonly index: number; uses: number }>();
  readonly #free: number[] = [];
  #subnets: ByFamily<Cidr> = {};

  /** `port`: of all nodes. */
  constructor(port: number) {
    this.#port = port;
  }

  /** Only for a subnet that nobody has. */
  add({ subnet, publicIp }: UdpPeer): void {
    const known = this.#known.get(publicIp) ?? this.#meet(publicIp);
    known.uses++;
    this.to[subnet.family].set(subnet, known.index);
  }

  remove({ subnet, publicIp }: UdpPeer): void {
    this.to[subnet.family].delete(subnet);
    const known = this.#known.get(publicIp);
    if (!known || --known.uses > 0) return;
    this.#known.delete(publicIp);
    this.#free.push(known.index);
    this.from[familyOf(publicIp)].delete(hostPrefix(publicIp));
  }

  get subnets(): ByFamily<Cidr> {
    return this.#subnets;
  }

  /** These are our own from now on. */
  hold(subnets: ByFamily<Cidr>): void {
    for (const family of families) {
      const [before, now] = [this.#subnets[family], subnets[family]];
      if (before) this.own[family].delete(before);
      if (now) this.own[family].set(now, 0);
    }
    this.#subnets = subnets;
  }

  #meet(publicIp: string) {
    const index = this.#free.pop() ?? this.names.length;
    const known = { index, uses: 0 };
    this.#known.set(publicIp, known);
    this.names[index] = socketAddress(publicIp, this.#port);
    this.from[familyOf(publicIp)].set(hostPrefix(publicIp), index);
    return known;
  }
}

function maps(): Maps {
  return { 4: new PrefixMap(), 6: new PrefixMap() };
}

/** Throws for what is no address: peers' addresses are checked before they come here. */
function hostPrefix(address: string): Cidr {
  const ip = parseIp(address);
  if (!ip) throw new TypeError(`not an address: ${address}`);
  return cidr(ip, ip.family === 4 ? 32 : 128);
}

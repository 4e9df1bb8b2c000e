// Who this node is: where it stands in the underlay and what it tells of it, followed as the host changes.
import { type ByFamily, byFamily, type Cidr, families } from '../../lib/ip.ts';
import { randomHex } from '../../lib/random.ts';
import type { Backend, Self } from '../backends/backend.ts';
import { canBecome } from '../model/diff.ts';
import type { LinkEntry, NetState } from '../model/net-state.ts';
import { familiesOf, type NetworkConfig } from '../model/network-config.ts';
import type { PreviousEnv } from '../model/subnet-env.ts';
import { hasAddress, type Underlay, type Uplink } from '../model/underlay.ts';
import type { KeyPair } from '../model/wireguard-key.ts';
import { followUplink } from './uplink.ts';

export interface Found {
  readonly config: NetworkConfig;
  readonly backend: Backend;
  readonly uplink: Uplink;
  /** Given by flags; the uplink's address stands for what is not. */
  readonly publicIps: ByFamily<string>;
  readonly previous: PreviousEnv;
  /** The host as read at start. */
  readonly present: NetState;
}

export class Identity {
  readonly #found: Found;
  #self: Self;

  constructor(found: Found) {
    this.#found = found;
    const networks = prefixesOf(found);
    const tun = firstFree(found.present);
    const place = this.#place(found.uplink, found.present);
    this.#self = { ...place, networks, macs: {}, tun, announced: undefined, keys: undefined };
    this.#self = { ...this.#self, macs: macsOf(this.#self, found) };
  }

  get self(): Self {
    return this.#self;
  }

  /** From now on this is published with the lease. */
  announce(text: string): void {
    this.#self = { ...this.#self, announced: text };
  }

  /** From now on this node is known by these. */
  useKeys(keys: KeyPair): void {
    this.#self = { ...this.#self, keys };
  }

  /** Looks at the host again and says whether something is different now that others go by. */
  follow(present: NetState): boolean {
    const before = this.#self;
    const uplink = followUplink(present, before.uplink);
    const place = this.#place(uplink, present);
    if (JSON.stringify(place) === JSON.stringify(this.#placeOf(before))) return false;
    this.#self = { ...before, ...place };
    return true;
  }

  #place(uplink: Uplink, present: NetState): Pick<Self, 'uplink' | 'publicIps' | 'tunnelIps'> {
    const enabled = familiesOf(this.#found.config);
    const publicIps = byFamily(enabled, family => this.#found.publicIps[family] ?? uplink.ips[family]);
    const tunnelIps = byFamily(enabled, family => {
      const ip = publicIps[family];
      return ip !== undefined && hasAddress(present, ip) ? ip : uplink.ips[family];
    });
    return { uplink, publicIps, tunnelIps };
  }

  #placeOf({ uplink, publicIps, tunnelIps }: Self) {
    return { uplink, publicIps, tunnelIps };
  }
}

/** As the kernel would count on from flannel0. */
function firstFree(present: NetState): string {
  const names = new Set(present.flatMap(entry => (entry.kind === 'link' ? [entry.name] : [])));
  for (let n = 0; ; n++) if (!names.has(`flannel${n}`)) return `flannel${n}`;
}

/** The cluster's networks, and those of the run before this one. */
function prefixesOf({ config: { ranges }, previous }: Found): readonly Cidr[] {
  return families.flatMap(family => [ranges[family]?.network ?? [], previous.networks[family] ?? []].flat());
}

/** The MAC of the device that is there, when it can be kept: peers know it. Otherwise a new one. */
function macsOf(self: Self, { config, backend, present }: Found): ByFamily<string> {
  const underlay: Underlay = { isOnLink: () => false };
  const wanted = backend
    .desired({ self, subnets: {}, peers: [], underlay })
    .filter((entry): entry is LinkEntry => entry.kind === 'link');
  const enabled = familiesOf(config);
  return byFamily(enabled, family => {
    const device = wanted[enabled.indexOf(family)];
    const there = present.find(
      (entry): entry is LinkEntry => entry.kind === 'link' && entry.name === device?.name,
    );
    if (device?.tunnel?.type !== 'vxlan') return undefined;
    return there && canBecome(there, device) ? there.mac : randomMac();
  });
}

/** Locally administered, unicast. */
function randomMac(): string {
  const bytes = Buffer.from(randomHex(6), 'hex');
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return bytes.toString('hex').replace(/..(?!$)/g, '$&:');
}

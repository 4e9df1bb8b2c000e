// What a node's kernel says of its overlay, what leases say of it, and the text that both become.
import type { Family } from '../../lib/ip.ts';
import type { FdbEntry, Neighbour, Route } from '../ask.ts';
import type { NetworkConfig } from '../cluster-spec.ts';
import type { LeasePart } from '../stored-lease.ts';

/** As `ip -j` and `bridge -j` print them; only what is looked at. Of both families. */
export interface KernelFacts {
  readonly routes: readonly Route[];
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  readonly links: readonly {
    readonly ifname: string;
    readonly address?: string;
    readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
  }[];
  /** Of wireguard devices: lines `device key` and `device key prefixes`, as `wg show all` prints them. */
  readonly wgKeys: readonly string[];
  readonly wgPeers: readonly string[];
}

/** The overlay as one node has it or should have it: sorted lines, close to what iproute2 prints. */
export type OverlayText = readonly string[];

/** Of another node, in one family. */
export interface Peer extends LeasePart {
  readonly publicIp: string;
}

/** What the leases say of one family, seen from one node. */
export interface View {
  readonly family: Family;
  readonly own: LeasePart | undefined;
  readonly peers: readonly Peer[];
  readonly network: string;
}

export interface Overlay {
  readonly wanted: OverlayText;
  readonly present: OverlayText;
}

export type Judge = (views: readonly View[], config: NetworkConfig, facts: KernelFacts) => Overlay;

// What a backend is: pure answers to what is published, what the kernel should hold, and what of it is ours.
import type { ByFamily, Cidr, Family } from '../../lib/ip.ts';
import type { GoJson } from '../model/go-json.ts';
import type { LeaseTerms, Subnets } from '../model/lease.ts';
import type { NetEntry, NetState } from '../model/net-state.ts';
import type { ConfigProblem } from '../model/network-config.ts';
import type { Peer } from '../model/peers.ts';
import type { Underlay, Uplink } from '../model/underlay.ts';
import type { KeyPair } from '../model/wireguard-key.ts';
import type { CarrierPlan } from '../udp/carrier.ts';

/** This node: its place in the underlay, and what it tells peers of it. */
export interface Self {
  readonly uplink: Uplink;
  /** What peers are told. */
  readonly publicIps: ByFamily<string>;
  /** Source addresses of tunnel packets: the public address where the host has it, else the uplink's. */
  readonly tunnelIps: ByFamily<string>;
  /** Of the backend's device for each family, if it has one: the present device's, or one chosen once for this process. */
  readonly macs: ByFamily<string>;
  /** The first name of a TUN device that nobody had at the start: flannel0, or with another number. */
  readonly tun: string;
  /** What the command that was to be run before the lease has printed; undefined when there is none. */
  readonly announced: string | undefined;
  /** Undefined when the backend uses none, and before they are read. */
  readonly keys: KeyPair | undefined;
  /** The cluster's networks, then former ones whose leftovers are ours too. */
  readonly networks: readonly Cidr[];
}

export interface Situation {
  readonly self: Self;
  /** Empty until the lease is acquired: then only the device is wanted. */
  readonly subnets: Subnets;
  /** What other nodes offer, and we accept. */
  readonly peers: readonly Peer[];
  readonly underlay: Underlay;
}

/** A backend with its configuration. No clock, no I/O; what it remembers of earlier calls makes no difference. */
export interface Backend {
  /** As it stands in leases. */
  readonly type: string;
  /** Devices that belong to the backend, and all entries on them. */
  readonly devices: readonly string[];
  /** Whether what it publishes holds something no other node has. */
  readonly isUnique: boolean;
  /** Whether it does anything about peers. */
  readonly usesPeers: boolean;
  /** Whether it needs a key pair of this node; absent when not. */
  readonly usesKeys?: true;
  /** Commands to run in the course of the node's life; undefined when the kernel's state is all it wants. */
  readonly hooks?: Hooks;
  /** What is to carry the packets of its device; undefined when the kernel does. */
  readonly carrier?: (self: Self) => CarrierPlan;
  /** What containers may send, for subnet.env, in bytes. */
  mtu(uplink: Uplink): number;
  /** Why the backend cannot work on this node; undefined when it can. */
  refuses(self: Self): string | undefined;
  terms(self: Self): LeaseTerms;
  /** Why a peer of the same backend type cannot be used; undefined when it can. */
  objection(peer: Peer, self: Self): string | undefined;
  desired(situation: Situation): NetState;
  /** Whether an entry may be removed when it is not desired. */
  isOurs(entry: NetEntry, self: Self): boolean;
}

/** Commands for `sh -c`; undefined where there is nothing to run. */
export interface Hooks {
  /** Before the lease; what it prints is published. */
  readonly preStartup: string | undefined;
  /** When the lease is held. */
  readonly postStartup: string | undefined;
  /** For each peer, and again when its address or data changes. */
  readonly subnetAdd: string | undefined;
  /** For each peer that leaves. */
  readonly subnetRemove: string | undefined;
  /** When the daemon ends. */
  readonly shutdown: string | undefined;
}

export type BackendResult = { readonly backend: Backend } | { readonly problems: readonly ConfigProblem[] };

/** Builds a backend from the Backend object of the configuration, whose member names are in lower case. */
export type BackendFactory = (config: GoJson, enabled: readonly Family[]) => BackendResult;

// What a backend is: pure answers to what is published, what the kernel should hold, and what of it is ours.
import type { Cidr4 } from '../../lib/ip.ts';
import type { GoJson } from '../model/go-json.ts';
import type { Lease, LeaseTerms } from '../model/lease.ts';
import type { NetEntry, NetState } from '../model/net-state.ts';
import type { ConfigProblem } from '../model/network-config.ts';
import type { Underlay, Uplink } from '../model/underlay.ts';

/** This node, as settled at start. */
export interface Self {
  readonly uplink: Uplink;
  /** Unsigned 32-bit; what peers are told. */
  readonly publicIp: number;
  /** Source address of tunnel packets: the public address where the host has it, else the uplink's. */
  readonly tunnelIp: number;
  /** Of the backend's device, if it has one: the present device's, or one chosen once for this process. */
  readonly mac: string;
  /** The cluster's network, then former ones whose leftovers are ours too. */
  readonly networks: readonly Cidr4[];
}

export interface Situation {
  readonly self: Self;
  /** Undefined until the lease is acquired: then only the device is wanted. */
  readonly subnet: Cidr4 | undefined;
  /** Accepted leases of other nodes. */
  readonly peers: readonly Lease[];
  readonly underlay: Underlay;
}

/** A backend with its configuration. No clock, no I/O, no memory of earlier calls. */
export interface Backend {
  /** As it stands in leases. */
  readonly type: string;
  /** Devices that belong to the backend, and all entries on them. */
  readonly devices: readonly string[];
  /** What containers may send, for subnet.env, in bytes. */
  mtu(uplink: Uplink): number;
  /** Why the backend cannot work on this node; undefined when it can. */
  refuses(self: Self): string | undefined;
  terms(self: Self): LeaseTerms;
  /** Why a lease of the same backend type cannot be used; undefined when it can. */
  objection(lease: Lease): string | undefined;
  desired(situation: Situation): NetState;
  /** Whether an entry may be removed when it is not desired. */
  isOurs(entry: NetEntry, self: Self): boolean;
}

export type BackendResult = { readonly backend: Backend } | { readonly problems: readonly ConfigProblem[] };

/** Builds a backend from the Backend object of the configuration, whose member names are in lower case. */
export type BackendFactory = (config: GoJson) => BackendResult;

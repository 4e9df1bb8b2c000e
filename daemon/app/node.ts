// What a running daemon consists of: its edges, and what was settled about this node at start.
import type { Logger } from '../../lib/log.ts';
import type { Backend } from '../backends/backend.ts';
import type { Shell } from '../hooks/shell.ts';
import type { Firewall } from '../kernel/firewall.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Subnets } from '../model/lease.ts';
import type { NetState } from '../model/net-state.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { KeyPair } from '../model/wireguard-key.ts';
import type { Observe } from '../operations/happening.ts';
import type { Options } from '../options.ts';
import type { LeaseStore } from '../store/lease-store.ts';
import type { OpenCarrier } from '../udp/carrier.ts';
import type { Identity } from './identity.ts';
import type { Memory } from './memory.ts';
import type { NodeCarrier } from './node-carrier.ts';
import type { NodeHooks } from './node-hooks.ts';

export interface Daemon {
  readonly options: Options;
  readonly log: Logger;
  /** Called once, when the host has been asked what it has: connecting can wait that long, and loads much. */
  readonly openStore: () => Promise<LeaseStore>;
  readonly kernel: Kernel;
  readonly firewall: Firewall;
  /** Runs the commands of a backend that has some. */
  readonly shell: Shell;
  /** Starts what carries packets for a backend that needs it. */
  readonly openCarrier: OpenCarrier;
  /** The keys of this node, made when there are none; throws a UserError when there can be none. */
  readonly loadKeys: () => KeyPair;
  /** Takes each of these things, named in words, for this process; rejects with a UserError when another has one. */
  readonly takeNames: (things: readonly string[]) => Promise<void>;
  readonly observe: Observe;
}

/** A node that knows what it is. */
export interface Settlement extends Daemon {
  readonly store: LeaseStore;
  readonly config: NetworkConfig;
  readonly backend: Backend;
  readonly identity: Identity;
  /** Undefined when the backend has none. */
  readonly hooks: NodeHooks | undefined;
  /** Undefined when the kernel carries the backend's packets. */
  readonly carrier: NodeCarrier | undefined;
  /** From subnet.env. */
  readonly previous: Subnets;
  readonly memory: Memory | undefined;
  /** The host's links, addresses and routes, as read at start. */
  readonly present: NetState;
}

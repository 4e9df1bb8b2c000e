// What a running daemon consists of: its edges, and what was settled about this node at start.
import type { Cidr4 } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import type { Backend, Self } from '../backends/backend.ts';
import type { Firewall } from '../kernel/firewall.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { NetState } from '../model/net-state.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { Options } from '../options.ts';
import type { LeaseStore } from '../store/lease-store.ts';

export interface Daemon {
  readonly options: Options;
  readonly log: Logger;
  /** Called once, when the host has been asked what it has: connecting can wait that long, and loads much. */
  readonly openStore: () => Promise<LeaseStore>;
  readonly kernel: Kernel;
  readonly firewall: Firewall;
  /** Called once with `READY=1`. */
  readonly notify: (state: string) => Promise<void>;
}

/** A node that knows what it is. */
export interface Settlement extends Daemon {
  readonly store: LeaseStore;
  readonly config: NetworkConfig;
  readonly backend: Backend;
  readonly self: Self;
  /** From subnet.env. */
  readonly previous: Cidr4 | undefined;
  /** The host's links, addresses and routes, as read at start. */
  readonly present: NetState;
}

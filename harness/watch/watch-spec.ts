// How a cluster is watched, as a scenario says it, and what a watch needs of it.
import type { NetworkConfig } from '../cluster-spec.ts';
import type { NodeHandle, WorkloadHandle } from '../drivers/driver.ts';
import type { Journal } from '../journal.ts';
import type { Store } from '../store.ts';
import type { InvariantName } from './invariants.ts';
import type { Budget } from './usage.ts';

/** What a scenario says of how it is watched. */
export interface WatchSpec {
  /** Invariants that it breaks on purpose from its beginning to its end, each with the reason. */
  readonly allow?: Partial<Readonly<Record<InvariantName, string>>>;
  /** Log lines that are forbidden elsewhere. */
  readonly allowLogs?: readonly RegExp[];
  /** Of every daemon; what is not given is as usual: strict for the daemon of this tree, none for others. */
  readonly budget?: Partial<Budget>;
  /** Whether containers probe each other. Default true. */
  readonly traffic?: boolean;
}

/** What is watched. */
export interface Watched {
  readonly nodes: readonly NodeHandle[];
  readonly workloads: readonly WorkloadHandle[];
  readonly store: Store;
  readonly journal: Journal;
  readonly spec: { readonly config: NetworkConfig };
}

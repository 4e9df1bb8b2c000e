// The network state of this host as the daemon uses it: read it, change it, hear that it changed.
import type { Family } from '../../lib/ip.ts';
import type { Op } from '../model/diff.ts';
import type { NetState } from '../model/net-state.ts';

export interface ReadScope {
  /** Whose addresses, routes and neighbours are read. */
  readonly families: readonly Family[];
  /** Devices whose neighbours and forwarding entries are read; those that do not exist have none. */
  readonly devices: readonly string[];
  /** Paths below /proc/sys; those that do not exist are left out of the state. */
  readonly sysctls: readonly string[];
}

/** How the kernel would send packets to an address. */
export interface Path {
  readonly dev: string;
  /** Source address. */
  readonly source: string;
}

/** How iproute2 says that a kernel lacks the module: the latter before Linux 4.15. */
export function isUnknownType(reason: string): boolean {
  return /unknown device type|operation not supported/i.test(reason);
}

export interface Failure {
  readonly op: Op;
  /** One line. */
  readonly reason: string;
}

export interface Kernel {
  /**
   * All links, the addresses (but link-local ones of IPv6) and the routes of the main table, plus what `scope` names.
   * Rejects when it cannot be read completely: a partial state would look like removals.
   */
  read(scope: ReadScope, signal: AbortSignal): Promise<NetState>;
  /**
   * Carries out `ops` in order as far as they depend on each other. One that fails does not stop the rest; the
   * failures are returned. Putting what is there and removing what is not are no failures. What has to carry the packets
   * of a device in place of the kernel does so until the signal aborts.
   */
  apply(ops: readonly Op[], signal: AbortSignal): Promise<readonly Failure[]>;
  /** Undefined when there is no way to `ip`. */
  pathTo(ip: string, signal: AbortSignal): Promise<Path | undefined>;
  /** Whether this process is allowed to change what {@link read} covers. */
  mayChange(signal: AbortSignal): Promise<boolean>;
  /** Yields whenever others may have changed something that `read` covers; ends when the signal aborts. */
  changes(scope: ReadScope, signal: AbortSignal): AsyncIterable<void>;
}

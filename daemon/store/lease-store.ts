// The registry of subnet leases as the daemon uses it: config, leases, conditional writes, one watch.
import type { Holding, Lease, LeaseKey, LeaseTerms, Subnets } from '../model/lease.ts';

/**
 * A record under `subnets/` that cannot be read; its subnets are in use nonetheless when its key can be, and empty
 * when that names none.
 */
export interface Unreadable extends Holding {
  readonly problem: string;
}

export interface Records {
  /** In key order. */
  readonly leases: readonly Lease[];
  readonly unreadable: readonly Unreadable[];
}

export interface Listing extends Records {
  /** Complete as of this revision of etcd v3, or index of etcd v2. */
  readonly revision: number;
}

/** Everything that holds subnets. */
export function recordsOf({ leases, unreadable }: Records): readonly (Lease | Unreadable)[] {
  return [...leases, ...unreadable];
}

/** `snapshot` comes first, and again after any gap (reconnect, compaction); then changes in order. */
export type LeaseEvent =
  | ({ readonly kind: 'snapshot' } & Records)
  | { readonly kind: 'put'; readonly lease: Lease }
  | { readonly kind: 'gone'; readonly key: LeaseKey };

/** Losing a race is a value. `holder` is undefined when the record vanished or cannot be read. */
export type Claim =
  | { readonly won: true; readonly lease: Lease; readonly ttl: number }
  | { readonly won: false; readonly holder: Lease | undefined };

/**
 * Every call rejects with a {@link StoreError} when the registry cannot be reached or refuses; the caller waits and
 * calls again. No call retries for longer than a few seconds by itself.
 */
export interface LeaseStore extends AsyncDisposable {
  /** The full key of the configuration, for messages. */
  readonly configKey: string;
  /** The text at `<prefix>/config`; undefined when there is none. */
  config(signal: AbortSignal): Promise<string | undefined>;
  /** All leases in one request, whatever their number. */
  list(signal: AbortSignal): Promise<Listing>;
  get(key: LeaseKey, signal: AbortSignal): Promise<Lease | undefined>;
  /**
   * Creates the record with a time to live of `ttl` seconds, only if there is none on exactly these subnets
   * (records that overlap them under another key do not count, see `olderRival`). With
   * `former`, that lease ends in the same moment, and nothing happens if somebody has written it since.
   */
  claim(
    subnets: Subnets,
    terms: LeaseTerms,
    ttl: number,
    signal: AbortSignal,
    former?: Lease,
  ): Promise<Claim>;
  /**
   * Rewrites `lease` with these terms for another `ttl` seconds, only if nobody has written it since.
   * A reservation stays one: it keeps having no time to live, and the answer's `ttl` is Infinity.
   */
  renew(lease: Lease, terms: LeaseTerms, ttl: number, signal: AbortSignal): Promise<Claim>;
  /** Deletes the record, only if nobody has written it since; says whether it did. */
  remove(lease: Lease, signal: AbortSignal): Promise<boolean>;
  /**
   * Ends only when the signal aborts: outages are waited out, each change of state is one log line. With `known`, that
   * is the first snapshot, and what happened after it follows.
   */
  watch(signal: AbortSignal, known?: Listing): AsyncIterable<LeaseEvent>;
  /** Yields each time the configuration may have changed; ends when the signal aborts. */
  watchConfig(signal: AbortSignal): AsyncIterable<void>;
}

/** The registry could not be asked, or said no. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

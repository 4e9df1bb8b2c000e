// When a lease is renewed, and how long to wait between attempts; the clock and the dice are passed in.
import type { Random } from './allocate.ts';

export interface Timing {
  /** Seconds. */
  readonly ttl: number;
  /** Seconds before expiry. */
  readonly margin: number;
}

/**
 * Seconds from the grant to the renewal: `ttl - margin`, up to a tenth earlier so that nodes started together do not
 * renew together; never less than a second.
 */
export function renewAfter({ ttl, margin }: Timing, random: Random): number {
  const latest = Math.max(1, ttl - margin);
  return Math.max(1, latest * (1 - random() / 10));
}

export interface Backoff {
  /** The wait before the next attempt, in milliseconds; grows up to the limit. */
  next(): number;
  reset(): void;
}

/** Doubles from `first` to `limit` milliseconds, each wait shortened at random by up to a fifth. */
export function backoff(first: number, limit: number, random: Random = Math.random): Backoff {
  let wait = first;
  return {
    next() {
      const now = wait * (1 - random() / 5);
      wait = Math.min(wait * 2, limit);
      return now;
    },
    reset() {
      wait = first;
    },
  };
}

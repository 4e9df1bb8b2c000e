// The etcd leases that bound a record's life: one for each write, and none left over when a write does not happen.
import type { Logger } from '../../lib/log.ts';
import { randomHex } from '../../lib/random.ts';
import type { Etcd3Requests } from './etcd3-api.ts';

export interface Grant {
  /** A 64-bit number, which stays text: a Number would lose its low digits. */
  readonly id: string;
  /** Seconds; etcd gives more when asked for too few. */
  readonly ttl: number;
}

export class Etcd3Grants {
  readonly #client: Etcd3Requests;
  readonly #log: Logger;
  /** Those that could not be given back yet. */
  readonly #spare = new Set<string>();

  constructor(client: Etcd3Requests, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /** A new grant of `ttl` seconds. We choose its number, so that one whose answer was lost can be given back. */
  async take(ttl: number): Promise<Grant> {
    const id = randomId();
    try {
      return { id, ttl: await this.#client.grant(id, ttl) };
    } catch (error) {
      // Another endpoint was asked after the first one's answer was lost.
      if (String(error).includes('lease already exists')) return { id, ttl };
      void this.giveBack(id);
      throw error;
    }
  }

  /** Revokes these and any others left, unless a record hangs on them. Never rejects. */
  async giveBack(...ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#spare.add(id);
    for (const id of this.#spare) {
      try {
        await this.#client.giveBack(id);
        this.#spare.delete(id);
      } catch (error) {
        if (String(error).includes('lease not found')) this.#spare.delete(id);
        else return this.#log.debug('spare etcd grants are given back later', { error: String(error) });
      }
    }
  }
}

/** Positive and not zero, as etcd's own are. */
function randomId(): string {
  return String((BigInt(`0x${randomHex(8)}`) >> 1n) | 1n);
}

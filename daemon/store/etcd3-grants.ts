// The etcd leases that bound a record's life: one for each write, and none left over when a write does not happen.
import { randomBytes } from 'node:crypto';
import type { Logger } from '../../lib/log.ts';
import type { Etcd3Client } from './etcd3-client.ts';

export interface Grant {
  /** A 64-bit number, which stays text: a Number would lose its low digits. */
  readonly id: string;
  /** Seconds; etcd gives more when asked for too few. */
  readonly ttl: number;
}

export class Etcd3Grants {
  readonly #client: Etcd3Client;
  readonly #log: Logger;
  /** Those that could not be given back yet. */
  readonly #spare = new Set<string>();

  constructor(client: Etcd3Client, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /** A new grant of `ttl` seconds. We choose its number, so that one whose answer was lost can be given back. */
  async take(ttl: number): Promise<Grant> {
    const id = randomId();
    try {
      const { TTL } = await this.#client.request(etcd => etcd.leaseClient.leaseGrant({ ID: id, TTL: ttl }));
      return { id, ttl: Number(TTL) };
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
        await this.#client.request(async ({ leaseClient }) => {
          const { keys } = await leaseClient.leaseTimeToLive({ ID: id, keys: true });
          if (keys.length === 0) await leaseClient.leaseRevoke({ ID: id });
        });
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
  return String((randomBytes(8).readBigUInt64BE() >> 1n) | 1n);
}

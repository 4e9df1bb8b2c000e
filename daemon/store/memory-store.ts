// The lease store on a registry in memory: what the daemon's tests use for etcd, held to the same contract.
import { Bell } from '../../lib/bell.ts';
import { type Logger, silent } from '../../lib/log.ts';
import type { Lease, LeaseKey, LeaseTerms, Subnets } from '../model/lease.ts';
import { encodeKey, encodeValue } from '../model/lease-codec.ts';
import {
  type Claim,
  type LeaseEvent,
  type LeaseStore,
  type Listing,
  StoreError,
  type Unreadable,
} from './lease-store.ts';
import type { MemoryRegistry, Row } from './memory-registry.ts';
import { createReader, isReadable, type ReadRecord, toRecords } from './read-record.ts';

/** One node's connection to the registry. */
export function createMemoryStore(registry: MemoryRegistry, log: Logger = silent): LeaseStore {
  return new MemoryStore(registry, log);
}

class MemoryStore implements LeaseStore {
  readonly configKey = '/memory/config';
  readonly #registry: MemoryRegistry;
  readonly #read: ReadRecord;

  constructor(registry: MemoryRegistry, log: Logger) {
    this.#registry = registry;
    this.#read = createReader('/memory/subnets/', log);
  }

  async config(signal: AbortSignal): Promise<string | undefined> {
    await this.#reach(signal);
    return this.#registry.configText;
  }

  async list(signal: AbortSignal): Promise<Listing> {
    await this.#reach(signal);
    return this.#list();
  }

  #list(): Listing {
    const { revision } = this.#registry;
    return { ...toRecords(this.#registry.rows().map(([key, row]) => this.#parse(key, row))), revision };
  }

  async get(key: LeaseKey, signal: AbortSignal): Promise<Lease | undefined> {
    await this.#reach(signal);
    return this.#holder(key);
  }

  async claim(
    subnets: Subnets,
    terms: LeaseTerms,
    ttl: number,
    signal: AbortSignal,
    former?: Lease,
  ): Promise<Claim> {
    const asRead = () => !former || this.#registry.row(former.key)?.revision === former.revision;
    const time = former && former.grant === undefined ? Infinity : ttl;
    const isFree = (row: Row | undefined) => row === undefined && asRead();
    const claim = await this.#write(encodeKey(subnets), terms, time, isFree, signal);
    if (claim.won && former) this.#registry.delete(former.key);
    return claim;
  }

  async renew(lease: Lease, terms: LeaseTerms, ttl: number, signal: AbortSignal): Promise<Claim> {
    const time = lease.grant === undefined ? Infinity : ttl;
    return this.#write(lease.key, terms, time, row => row?.revision === lease.revision, signal);
  }

  async remove({ key, revision }: Lease, signal: AbortSignal): Promise<boolean> {
    await this.#reach(signal);
    if (this.#registry.row(key)?.revision !== revision) return false;
    this.#registry.delete(key);
    return true;
  }

  async #write(
    key: LeaseKey,
    terms: LeaseTerms,
    ttl: number,
    condition: (row: Row | undefined) => boolean,
    signal: AbortSignal,
  ): Promise<Claim> {
    await this.#reach(signal);
    const first = this.#registry.beforeNextWrite;
    this.#registry.beforeNextWrite = undefined;
    first?.();
    if (!condition(this.#registry.row(key))) return { won: false, holder: this.#holder(key) };
    this.#registry.put(key, encodeValue(terms), ttl === Infinity ? undefined : ttl);
    const lease = this.#holder(key);
    if (!lease) throw new TypeError(`wrote a record that cannot be read: ${key}`);
    return { won: true, lease, ttl };
  }

  async *watch(signal: AbortSignal, known?: Listing): AsyncGenerator<LeaseEvent, void> {
    const bell = new Bell();
    const stop = this.#registry.listen(bell);
    try {
      let seen = known?.revision;
      if (known) yield snapshot(known);
      while (!signal.aborted) {
        const changes =
          seen === undefined || !this.#registry.reachable ? undefined : this.#registry.since(seen);
        if (this.#registry.reachable) {
          seen = this.#registry.revision;
          if (!changes) yield snapshot(this.#list());
          for (const { key, row } of changes ?? []) {
            if (!row) yield { kind: 'gone', key };
            else {
              const record = this.#parse(key, row);
              if (isReadable(record)) yield { kind: 'put', lease: record };
            }
          }
        } else seen = undefined;
        if (seen === undefined || seen === this.#registry.revision)
          await bell.heard(3_600_000, signal).catch(() => {});
      }
    } finally {
      stop();
    }
  }

  async *watchConfig(signal: AbortSignal): AsyncGenerator<void, void> {
    const bell = new Bell();
    const stop = this.#registry.listen(bell);
    try {
      while (!signal.aborted) {
        yield;
        await bell.heard(3_600_000, signal).catch(() => {});
      }
    } finally {
      stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Gives way to others, as a request over a network would. */
  async #reach(signal: AbortSignal): Promise<void> {
    await new Promise(resolve => setImmediate(resolve));
    signal.throwIfAborted();
    if (this.#registry.reachable) return;
    this.#registry.refused++;
    throw new StoreError('the registry is unreachable');
  }

  #holder(key: LeaseKey): Lease | undefined {
    const row = this.#registry.row(key);
    const record = row && this.#parse(key, row);
    return record && isReadable(record) ? record : undefined;
  }

  #parse(key: LeaseKey, { value, revision, created, expires }: Row): Lease | Unreadable {
    return this.#read({
      key,
      value,
      revision,
      created,
      grant: expires === undefined ? undefined : String(expires),
    });
  }
}

function snapshot({ revision: _, ...records }: Listing): LeaseEvent {
  return { kind: 'snapshot', ...records };
}

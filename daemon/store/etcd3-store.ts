// The lease registry on etcd v3: the keys, transactions and grants that flannel peers of 0.18 and later expect.
import { posix } from 'node:path';
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey, LeaseTerms, Subnets } from '../model/lease.ts';
import { encodeKey, encodeValue, parseKey } from '../model/lease-codec.ts';
import type { Change, Condition, Etcd3Client } from './etcd3-api.ts';
import { Etcd3Grants, type Grant } from './etcd3-grants.ts';
import { EtcdRecords } from './etcd3-records.ts';
import { watchRange } from './etcd3-watch.ts';
import { createHealth, type Health, type Told } from './health.ts';
import type { Claim, LeaseEvent, LeaseStore, Listing } from './lease-store.ts';
import { isReadable, toRecords } from './read-record.ts';
import { watchAnew } from './watch-anew.ts';

/** `prefix` as given by the user; slashes are tidied as upstream's path.Join does. */
export function createEtcd3Store(client: Etcd3Client, prefix: string, log: Logger, told?: Told): LeaseStore {
  return new Etcd3Store(client, prefix, log, told);
}

class Etcd3Store implements LeaseStore {
  readonly configKey: string;
  readonly #records: EtcdRecords;
  readonly #client: Etcd3Client;
  readonly #grants: Etcd3Grants;
  readonly #health: Health;
  readonly #log: Logger;

  constructor(client: Etcd3Client, prefix: string, log: Logger, told: Told | undefined) {
    this.configKey = posix.join(prefix, 'config');
    this.#records = new EtcdRecords(prefix, log);
    this.#client = client;
    this.#grants = new Etcd3Grants(client, log);
    this.#health = createHealth(log, error => client.isOutage(error), told);
    this.#log = log;
  }

  async config(signal: AbortSignal): Promise<string | undefined> {
    const { kvs } = await this.#health.observe(this.#client.range(Buffer.from(this.configKey)), signal);
    return kvs[0]?.value.toString();
  }

  async list(signal: AbortSignal): Promise<Listing> {
    const { kvs, revision } = await this.#health.observe(this.#client.range(...this.#records.range), signal);
    return { ...toRecords(kvs.map(kv => this.#records.parse(kv))), revision };
  }

  async get(key: LeaseKey, signal: AbortSignal): Promise<Lease | undefined> {
    const { kvs } = await this.#health.observe(this.#client.range(this.#records.at(key)), signal);
    return this.#records.first(kvs[0]);
  }

  async claim(
    subnets: Subnets,
    terms: LeaseTerms,
    ttl: number,
    signal: AbortSignal,
    former?: Lease,
  ): Promise<Claim> {
    const key = encodeKey(subnets);
    const absent = { key: this.#records.at(key), revision: 0 };
    const unless = former ? [absent, this.#unchanged(former)] : [absent];
    const write = { key, terms, unless, former };
    if (former && former.grant === undefined) return this.#put(write, undefined, signal);
    const claim = await this.#write(write, ttl, signal);
    if (claim.won && former?.grant !== undefined) void this.#grants.giveBack(former.grant);
    return claim;
  }

  async renew(lease: Lease, terms: LeaseTerms, ttl: number, signal: AbortSignal): Promise<Claim> {
    const write = { key: lease.key, terms, unless: [this.#unchanged(lease)], created: lease.created };
    if (lease.grant === undefined) return this.#put(write, undefined, signal);
    const claim = await this.#write(write, ttl, signal);
    if (claim.won) void this.#grants.giveBack(lease.grant);
    return claim;
  }

  async remove(lease: Lease, signal: AbortSignal): Promise<boolean> {
    const removal = { unless: [this.#unchanged(lease)], changes: [{ remove: this.#records.at(lease.key) }] };
    const { succeeded } = await this.#health.observe(this.#client.transact(removal), signal);
    // Whoever removes a lease may end right after it.
    if (succeeded && lease.grant !== undefined) await this.#grants.giveBack(lease.grant);
    return succeeded;
  }

  /** One write with a grant of its own, as upstream does; the grant is given back when the write does not happen. */
  async #write(write: Write, ttl: number, signal: AbortSignal): Promise<Claim> {
    const grant = await this.#health.observe(this.#grants.take(ttl), signal);
    try {
      const claim = await this.#put(write, grant, signal);
      if (!claim.won) await this.#grants.giveBack(grant.id);
      return claim;
    } catch (error) {
      // The write may have arrived although its answer did not; then the grant is in use and stays.
      void this.#grants.giveBack(grant.id);
      throw error;
    }
  }

  async #put(
    { key, terms, unless, former, created }: Write,
    grant: Grant | undefined,
    signal: AbortSignal,
  ): Promise<Claim> {
    const at = this.#records.at(key);
    const value = encodeValue(terms);
    const changes: Change[] = [{ put: at, value, grant: grant?.id }];
    if (former) changes.push({ remove: this.#records.at(former.key) });
    const outcome = await this.#health.observe(
      this.#client.transact({ unless, changes, orElse: at }),
      signal,
    );
    const { succeeded, present } = outcome;
    // The answer of one endpoint may be lost after it wrote; then the next one finds what we wrote.
    const isOurs = present && present.lease === (grant?.id ?? '0') && present.value.toString() === value;
    if (!succeeded && !isOurs) return { won: false, holder: this.#records.first(present) };
    const revision = Number(present?.mod_revision ?? outcome.revision);
    const subnets = parseKey(key);
    if (!subnets) throw new TypeError(`not a lease key: ${key}`);
    const lease = {
      ...terms,
      key,
      subnets,
      revision,
      created: created ?? Number(present?.create_revision ?? revision),
      grant: grant?.id,
    };
    return { won: true, lease, ttl: grant?.ttl ?? Infinity };
  }

  watch(signal: AbortSignal, known?: Listing): AsyncGenerator<LeaseEvent, void> {
    return watchAnew(first => this.#watchOnce(signal, first), this.#log, signal, known);
  }

  async *#watchOnce(signal: AbortSignal, known?: Listing): AsyncGenerator<LeaseEvent, void> {
    const { revision, ...records } = known ?? (await this.list(signal));
    yield { kind: 'snapshot', ...records };
    for await (const { events } of watchRange(this.#client, this.#records.range, revision, signal)) {
      for (const { type, kv } of events) {
        if (type === 'Delete') yield { kind: 'gone', key: this.#records.nameOf(kv) };
        else {
          const record = this.#records.parse(kv);
          if (isReadable(record)) yield { kind: 'put', lease: record };
        }
      }
    }
  }

  watchConfig(signal: AbortSignal): AsyncGenerator<void, void> {
    return watchAnew(() => this.#watchConfigOnce(signal), this.#log, signal);
  }

  async *#watchConfigOnce(signal: AbortSignal): AsyncGenerator<void, void> {
    const key = Buffer.from(this.configKey);
    const { revision } = await this.#health.observe(this.#client.range(key), signal);
    yield;
    for await (const { events } of watchRange(this.#client, [key], revision, signal))
      if (events.length > 0) yield;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  /** That nobody has written the record since it was read. */
  #unchanged({ key, revision }: Lease): Condition {
    return { key: this.#records.at(key), revision };
  }
}

interface Write {
  readonly key: LeaseKey;
  readonly terms: LeaseTerms;
  readonly unless: readonly Condition[];
  /** Deleted with it. */
  readonly former?: Lease | undefined;
  /** Of the record that is written again; undefined for a new one. */
  readonly created?: number;
}

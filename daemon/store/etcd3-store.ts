// The lease registry on etcd v3: the keys, transactions and grants that flannel peers of 0.18 and later expect.
import { posix } from 'node:path';
import { type Etcd3, type IRequestOp, Range } from 'etcd3';
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey, LeaseTerms, Subnets } from '../model/lease.ts';
import { encodeKey, encodeValue, parseKey } from '../model/lease-codec.ts';
import { createHealth, type Health } from './etcd3-health.ts';
import { EtcdRecords } from './etcd3-records.ts';
import { watchAnew, watchRange } from './etcd3-watch.ts';
import type { Claim, LeaseEvent, LeaseStore, Listing, Unreadable } from './lease-store.ts';

/** `prefix` as given by the user; slashes are tidied as upstream's path.Join does. */
export function createEtcd3Store(client: Etcd3, prefix: string, log: Logger): LeaseStore {
  return new Etcd3Store(client, prefix, log);
}

class Etcd3Store implements LeaseStore {
  readonly configKey: string;
  readonly #records: EtcdRecords;
  readonly #client: Etcd3;
  readonly #health: Health;
  readonly #log: Logger;

  constructor(client: Etcd3, prefix: string, log: Logger) {
    this.configKey = posix.join(prefix, 'config');
    this.#records = new EtcdRecords(prefix, log);
    this.#client = client;
    this.#health = createHealth(log);
    this.#log = log;
  }

  async config(signal: AbortSignal): Promise<string | undefined> {
    const { kvs } = await this.#call(this.#client.kv.range({ key: Buffer.from(this.configKey) }), signal);
    return kvs[0]?.value.toString();
  }

  async list(signal: AbortSignal): Promise<Listing> {
    const { revision: _, ...listing } = await this.#list(signal);
    return listing;
  }

  async #list(signal: AbortSignal): Promise<Listing & { readonly revision: number }> {
    const request = this.#client.kv.range({
      key: this.#records.range.start,
      range_end: this.#records.range.end,
    });
    const { kvs, header } = await this.#call(request, signal);
    const leases: Lease[] = [];
    const unreadable: Unreadable[] = [];
    for (const kv of kvs) {
      const record = this.#records.parse(kv);
      if ('problem' in record) unreadable.push(record);
      else leases.push(record);
    }
    return { leases, unreadable, revision: Number(header.revision) };
  }

  async get(key: LeaseKey, signal: AbortSignal): Promise<Lease | undefined> {
    const { kvs } = await this.#call(this.#client.kv.range({ key: this.#records.at(key) }), signal);
    return this.#records.first(kvs);
  }

  async claim(
    subnets: Subnets,
    terms: LeaseTerms,
    ttl: number,
    signal: AbortSignal,
    former?: Lease,
  ): Promise<Claim> {
    const key = encodeKey(subnets);
    const absent = { key: this.#records.at(key), target: 'Version', version: 0 } as const;
    const unless = former ? [absent, this.#unchanged(former)] : [absent];
    const write = { key, terms, unless, former };
    const isReserved = former && former.grant === undefined;
    return isReserved ? this.#put(write, undefined, Infinity, signal) : this.#write(write, ttl, signal);
  }

  async renew(lease: Lease, terms: LeaseTerms, ttl: number, signal: AbortSignal): Promise<Claim> {
    const write = { key: lease.key, terms, unless: [this.#unchanged(lease)] };
    if (lease.grant === undefined) return this.#put(write, undefined, Infinity, signal);
    const claim = await this.#write(write, ttl, signal);
    if (claim.won) void this.#release(lease.grant);
    return claim;
  }

  async remove(lease: Lease, signal: AbortSignal): Promise<boolean> {
    const request = this.#client.kv.txn({
      compare: [{ result: 'Equal', ...this.#unchanged(lease) }],
      success: [{ request_delete_range: { key: this.#records.at(lease.key) } }],
    });
    return (await this.#call(request, signal)).succeeded;
  }

  /** One write with a grant of its own, as upstream does; the grant is given back when the write does not happen. */
  async #write(write: Write, ttl: number, signal: AbortSignal): Promise<Claim> {
    const grant = await this.#call(this.#client.leaseClient.leaseGrant({ TTL: ttl }), signal);
    try {
      const claim = await this.#put(write, grant.ID, Number(grant.TTL), signal);
      if (!claim.won) await this.#release(grant.ID);
      return claim;
    } catch (error) {
      // The write may have arrived although its answer did not; then the grant is in use and stays.
      void this.#release(grant.ID);
      throw error;
    }
  }

  async #put(
    { key, terms, unless, former }: Write,
    grant: string | undefined,
    ttl: number,
    signal: AbortSignal,
  ): Promise<Claim> {
    const at = this.#records.at(key);
    const put: IRequestOp = {
      // Grants are 64-bit numbers and stay text: a Number would lose their low digits.
      request_put: { key: at, value: Buffer.from(encodeValue(terms)), ...(grant ? { lease: grant } : {}) },
    };
    const request = this.#client.kv.txn({
      compare: unless.map(condition => ({ result: 'Equal', ...condition })),
      success: former ? [put, { request_delete_range: { key: this.#records.at(former.key) } }] : [put],
      failure: [{ request_range: { key: at } }],
    });
    const { succeeded, header, responses } = await this.#call(request, signal);
    if (!succeeded)
      return { won: false, holder: this.#records.first(responses[0]?.response_range.kvs ?? []) };
    const subnets = parseKey(key);
    if (!subnets) throw new TypeError(`not a lease key: ${key}`);
    const lease = { ...terms, key, subnets, revision: Number(header.revision), grant };
    return { won: true, lease, ttl };
  }

  /** Revokes a grant no record hangs on; one that is in use, or cannot be asked about, expires by itself. */
  async #release(grant: string): Promise<void> {
    try {
      const { keys } = await this.#client.leaseClient.leaseTimeToLive({ ID: grant, keys: true });
      if (keys.length === 0) await this.#client.leaseClient.leaseRevoke({ ID: grant });
    } catch (error) {
      this.#log.debug('a spare etcd grant was left to expire', { grant, error: String(error) });
    }
  }

  watch(signal: AbortSignal): AsyncGenerator<LeaseEvent, void> {
    return watchAnew(() => this.#watchOnce(signal), this.#log, signal);
  }

  async *#watchOnce(signal: AbortSignal): AsyncGenerator<LeaseEvent, void> {
    const { revision, ...listing } = await this.#list(signal);
    yield { kind: 'snapshot', ...listing };
    for await (const { events } of watchRange(this.#client, this.#records.range, revision + 1, signal)) {
      for (const { type, kv } of events) {
        if (type === 'Delete') yield { kind: 'gone', key: this.#records.nameOf(kv) };
        else {
          const record = this.#records.parse(kv);
          if (!('problem' in record)) yield { kind: 'put', lease: record };
        }
      }
    }
  }

  watchConfig(signal: AbortSignal): AsyncGenerator<void, void> {
    return watchAnew(() => this.#watchConfigOnce(signal), this.#log, signal);
  }

  async *#watchConfigOnce(signal: AbortSignal): AsyncGenerator<void, void> {
    const key = Buffer.from(this.configKey);
    const { header } = await this.#call(this.#client.kv.range({ key }), signal);
    yield;
    const only = new Range(key, Buffer.concat([key, Buffer.from([0])]));
    for await (const { events } of watchRange(this.#client, only, Number(header.revision) + 1, signal))
      if (events.length > 0) yield;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  /** That nobody has written the record since it was read. */
  #unchanged({ key, revision }: Lease): Condition {
    return { key: this.#records.at(key), target: 'Mod', mod_revision: revision };
  }

  async #call<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#health.observe(request, signal);
  }
}

interface Write {
  readonly key: LeaseKey;
  readonly terms: LeaseTerms;
  readonly unless: readonly Condition[];
  /** Deleted with it. */
  readonly former?: Lease | undefined;
}

type Condition = {
  readonly key: Buffer;
} & (
  | { readonly target: 'Version'; readonly version: number }
  | { readonly target: 'Mod'; readonly mod_revision: number }
);

// The lease registry on etcd v2: the keys and conditional writes that flannel peers up to 0.17 expect.
import { posix } from 'node:path';
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey, LeaseTerms, Subnets } from '../model/lease.ts';
import { encodeKey } from '../model/lease-codec.ts';
import { type Answer, codes, Refused } from './etcd2-answer.ts';
import type { Etcd2Client } from './etcd2-client.ts';
import { Etcd2Records, encodeValue2 } from './etcd2-records.ts';
import { pollChanges } from './etcd2-watch.ts';
import { createHealth, type Health, type Told } from './health.ts';
import { Unanswered } from './http-endpoint.ts';
import { type Claim, type LeaseEvent, type LeaseStore, type Listing, StoreError } from './lease-store.ts';
import { toRecords } from './read-record.ts';
import { watchAnew } from './watch-anew.ts';

export function createEtcd2Store(client: Etcd2Client, prefix: string, log: Logger, told?: Told): LeaseStore {
  return new Etcd2Store(client, prefix, log, told);
}

/** Reads that every member agrees on. */
const quorum = 'quorum=true';

class Etcd2Store implements LeaseStore {
  readonly configKey: string;
  readonly #records: Etcd2Records;
  readonly #client: Etcd2Client;
  readonly #health: Health;
  readonly #log: Logger;

  constructor(client: Etcd2Client, prefix: string, log: Logger, told: Told | undefined) {
    this.configKey = posix.join('/', prefix, 'config');
    this.#records = new Etcd2Records(prefix, log);
    this.#client = client;
    this.#health = createHealth(log, error => error instanceof Unanswered, told);
    this.#log = log;
  }

  async config(signal: AbortSignal): Promise<string | undefined> {
    const { node } = await this.#get(this.configKey, quorum, signal);
    return node?.value;
  }

  async list(signal: AbortSignal): Promise<Listing> {
    const { index, node } = await this.#get(this.#records.folder, `${quorum}&recursive=true`, signal);
    return { ...toRecords(node ? this.#records.all(node) : []), revision: index };
  }

  async get(key: LeaseKey, signal: AbortSignal): Promise<Lease | undefined> {
    const { node } = await this.#get(this.#records.at(key), quorum, signal);
    return node && this.#records.lease(node);
  }

  /** etcd v2 writes one key at a time: with `former` both records are there for a moment. */
  async claim(
    subnets: Subnets,
    terms: LeaseTerms,
    ttl: number,
    signal: AbortSignal,
    former?: Lease,
  ): Promise<Claim> {
    const time = former && former.grant === undefined ? Infinity : ttl;
    const free = { condition: 'prevExist=false', after: 0 };
    const claim = await this.#put(encodeKey(subnets), terms, time, free, signal);
    if (!claim.won || !former || (await this.remove(former, signal))) return claim;
    await this.remove(claim.lease, signal);
    return { won: false, holder: await this.get(former.key, signal) };
  }

  async renew({ key, revision, grant }: Lease, terms: LeaseTerms, ttl: number, signal: AbortSignal) {
    const time = grant === undefined ? Infinity : ttl;
    return this.#put(key, terms, time, { condition: `prevIndex=${revision}`, after: revision }, signal);
  }

  /**
   * Upstream 0.7 takes etcd's `compareAndDelete` for a record it cannot read, and then hears of no lease any more. So
   * the condition is on a write that leaves the record two seconds to live, and the deletion that follows has none.
   */
  async remove(lease: Lease, signal: AbortSignal): Promise<boolean> {
    const claim = await this.#put(
      lease.key,
      lease,
      2,
      { condition: `prevIndex=${lease.revision}`, after: lease.revision },
      signal,
    );
    if (!claim.won) return false;
    await this.#observe(
      unlessCode(
        [codes.keyNotFound],
        this.#client.write('DELETE', this.#records.at(lease.key), '', undefined, signal),
      ),
      signal,
    );
    return true;
  }

  async #put(
    key: LeaseKey,
    terms: LeaseTerms,
    ttl: number,
    { condition, after }: Condition,
    signal: AbortSignal,
  ): Promise<Claim> {
    const value = encodeValue2(terms);
    const form = { value, ...(ttl === Infinity ? {} : { ttl: String(Math.ceil(ttl)) }) };
    const at = this.#records.at(key);
    const write = this.#client.write('PUT', at, condition, form, signal).catch(async (error: unknown) => {
      if (!(error instanceof Unanswered && error.sent)) throw error;
      // Nobody knows whether it was written. What is there now can tell, and repeating it blindly could not.
      const { node } = await this.#client.get(at, quorum, signal);
      if (node?.value !== value || node.modifiedIndex <= after) throw error;
      return { node };
    });
    const { node } = await this.#observe(unlessCode(lostRace, write), signal);
    if (!node) return { won: false, holder: await this.get(key, signal) };
    const lease = this.#records.lease(node);
    if (!lease) throw new TypeError(`wrote a record that cannot be read: ${key}`);
    return { won: true, lease, ttl: node.ttl ?? Infinity };
  }

  watch(signal: AbortSignal, known?: Listing): AsyncGenerator<LeaseEvent, void> {
    return watchAnew(first => this.#watchOnce(signal, first), this.#log, signal, known);
  }

  async *#watchOnce(signal: AbortSignal, known?: Listing): AsyncGenerator<LeaseEvent, void> {
    const { revision, ...records } = known ?? (await this.list(signal));
    yield { kind: 'snapshot', ...records };
    for await (const { removed, node } of this.#changes(this.#records.folder, revision, signal)) {
      const key = this.#records.nameOf(node);
      // A directory that goes takes what is in it along, without a word about each.
      if (key === undefined || node.dir) throw new StoreError(`the directory ${node.key} changed`);
      if (removed) yield { kind: 'gone', key };
      else {
        const lease = this.#records.lease(node);
        if (lease) yield { kind: 'put', lease };
      }
    }
  }

  watchConfig(signal: AbortSignal): AsyncGenerator<void, void> {
    return watchAnew(() => this.#watchConfigOnce(signal), this.#log, signal);
  }

  async *#watchConfigOnce(signal: AbortSignal): AsyncGenerator<void, void> {
    const { index } = await this.#get(this.configKey, quorum, signal);
    yield;
    for await (const _ of this.#changes(this.configKey, index, signal)) yield;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  #changes(key: string, index: number, signal: AbortSignal) {
    return pollChanges({ client: this.#client, key, witness: this.configKey }, index, signal);
  }

  /** Without a node when there is no such key. */
  #get(key: string, query: string, signal: AbortSignal): Promise<Found> {
    return this.#observe(unlessCode([codes.keyNotFound], this.#client.get(key, query, signal)), signal);
  }

  #observe<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#health.observe(request, signal);
  }
}

interface Condition {
  /** A query. */
  readonly condition: string;
  /** A record with a greater index than this was written later. */
  readonly after: number;
}

type Found = Pick<Answer, 'index' | 'node'>;

/** What a conditional write is answered when the record is not as it should be. */
const lostRace = [codes.keyNotFound, codes.compareFailed, codes.nodeExists, codes.notAFile];

/** These refusals are answers: there is no such node. */
async function unlessCode(expected: readonly number[], request: Promise<Partial<Found>>): Promise<Found> {
  try {
    const { index = 0, node } = await request;
    return { index, node };
  } catch (error) {
    if (error instanceof Refused && expected.includes(error.code))
      return { index: error.index, node: undefined };
    throw error;
  }
}

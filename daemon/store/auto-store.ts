// Chooses between the registries of etcd v2 and v3 by where the configuration is, and is the chosen one from then on.
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey, LeaseTerms, Subnets } from '../model/lease.ts';
import { type LeaseStore, type Listing, StoreError } from './lease-store.ts';

export interface Candidates {
  readonly v3: LeaseStore;
  /** Called once, when v3 has no configuration or does not answer: most clusters never need it. */
  readonly openV2: () => Promise<V2Candidate>;
}

export interface V2Candidate {
  readonly store: LeaseStore;
  /** The same without log lines: that v2 does not answer is no news where nobody uses it. */
  readonly probe: LeaseStore;
  /** The version of etcd, when it tells; rejects when it does not answer. */
  version(signal: AbortSignal): Promise<string | undefined>;
}

/**
 * v3 is asked first. v2 is taken only where it holds the configuration, and v3 either holds none or cannot exist: an
 * etcd of version 3 that does not answer v3 may have moved on from what its v2 still says, so that is waited for.
 */
export function createAutoStore(candidates: Candidates, log: Logger): LeaseStore {
  return new AutoStore(candidates, log);
}

class AutoStore implements LeaseStore {
  readonly configKey: string;
  readonly #candidates: Candidates;
  readonly #log: Logger;
  #v2: Promise<V2Candidate> | undefined;
  #chosen: LeaseStore | undefined;

  constructor(candidates: Candidates, log: Logger) {
    this.configKey = candidates.v3.configKey;
    this.#candidates = candidates;
    this.#log = log;
  }

  async config(signal: AbortSignal): Promise<string | undefined> {
    if (this.#chosen) return this.#chosen.config(signal);
    const { v3 } = this.#candidates;
    const [text, failure] = await attempt(v3.config(signal));
    if (text !== undefined) {
      this.#choose(v3, 'v3', 'it holds the configuration');
      return text;
    }
    const v2 = await this.#openV2();
    if (failure && !(await isWithoutV3(v2, signal))) throw failure;
    const [oldText, oldFailure] = await attempt(v2.probe.config(signal));
    if (oldText !== undefined)
      this.#choose(v2.store, 'v2', failure ? 'this etcd has no v3' : 'only v2 holds the configuration');
    else if (failure && oldFailure) throw oldFailure;
    return oldText;
  }

  async *watchConfig(signal: AbortSignal): AsyncGenerator<void, void> {
    if (this.#chosen) return yield* this.#chosen.watchConfig(signal);
    const { probe } = await this.#openV2();
    yield* either(this.#candidates.v3.watchConfig(signal), probe.watchConfig(signal));
  }

  async list(signal: AbortSignal) {
    return this.#store.list(signal);
  }

  async get(key: LeaseKey, signal: AbortSignal) {
    return this.#store.get(key, signal);
  }

  async claim(subnets: Subnets, terms: LeaseTerms, ttl: number, signal: AbortSignal, former?: Lease) {
    return this.#store.claim(subnets, terms, ttl, signal, former);
  }

  async renew(lease: Lease, terms: LeaseTerms, ttl: number, signal: AbortSignal) {
    return this.#store.renew(lease, terms, ttl, signal);
  }

  async remove(lease: Lease, signal: AbortSignal) {
    return this.#store.remove(lease, signal);
  }

  watch(signal: AbortSignal, known?: Listing) {
    return this.#store.watch(signal, known);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#candidates.v3[Symbol.asyncDispose]();
    await (await this.#v2)?.store[Symbol.asyncDispose]();
  }

  /** Leases are asked for only when there is a configuration, and with it a choice. */
  get #store(): LeaseStore {
    if (!this.#chosen)
      throw new StoreError('no configuration was found yet, neither with etcd v3 nor with v2');
    return this.#chosen;
  }

  #openV2(): Promise<V2Candidate> {
    this.#v2 ??= this.#candidates.openV2();
    return this.#v2;
  }

  #choose(store: LeaseStore, api: string, because: string): void {
    this.#chosen = store;
    this.#log.info(`using etcd ${api}`, { because, key: store.configKey });
  }
}

async function attempt<T>(
  request: Promise<T>,
): Promise<readonly [T, undefined] | readonly [undefined, StoreError]> {
  try {
    return [await request, undefined];
  } catch (error) {
    if (error instanceof StoreError) return [undefined, error];
    throw error;
  }
}

async function isWithoutV3(v2: V2Candidate, signal: AbortSignal): Promise<boolean> {
  try {
    return /^v?[0-2]\./.test((await v2.version(signal)) ?? '');
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** What either source yields, as it comes; ends when both have. */
async function* either<T>(...both: AsyncIterable<T, void>[]): AsyncGenerator<T, void> {
  const sources = both.map(source => source[Symbol.asyncIterator]());
  const next = async (source: AsyncIterator<T, void>) => ({ source, result: await source.next() });
  const pending = new Map(sources.map(source => [source, next(source)]));
  while (pending.size > 0) {
    const { source, result } = await Promise.race(pending.values());
    if (result.done) pending.delete(source);
    else {
      pending.set(source, next(source));
      yield result.value;
    }
  }
}

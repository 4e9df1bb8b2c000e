// The leases in etcd and the time they have left, read ten times a second: what is there counts, whatever led to it.

import { formatCidr } from '../../lib/ip.ts';
import { sleep, within } from '../../lib/wait.ts';
import { now } from '../journal.ts';
import type { Store } from '../store.ts';
import { type StoredLease, subnetsOf } from '../stored-lease.ts';
import { type NodeView, readSubnetFile } from './world.ts';

const pause = 100;
/** Seconds of renew margin from which on no scenario lasts long enough to see one missed. */
const longMargin = 600;

export class LeaseFollower {
  readonly #store: Store;
  readonly #changed: (at: number) => void;
  readonly #ended = new AbortController();
  #nodes: () => readonly NodeView[] = () => [];
  #seen = '';
  #leases: readonly StoredLease[] | undefined;
  #left: ReadonlyMap<string, number> = new Map();
  #leftDue = 0;

  /** `changed` is told the moment at which something else was there than before. */
  constructor(store: Store, changed: (at: number) => void) {
    this.#store = store;
    this.#changed = changed;
  }

  /** Undefined until etcd has answered once. While it does not answer, what was there last. */
  get leases(): readonly StoredLease[] | undefined {
    return this.#leases;
  }

  /** Seconds, by key. */
  get left(): ReadonlyMap<string, number> {
    return this.#left;
  }

  /** `nodes`: whose leases are looked at more closely. */
  start(nodes: () => readonly NodeView[]): void {
    this.#nodes = nodes;
    void this.#follow();
  }

  /** Resolves when the leases have been read anew, or etcd takes too long. */
  sync(): Promise<void> {
    return within(this.#read(), 1000, 'etcd').catch(() => {});
  }

  stop(): void {
    this.#ended.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      // etcd may be gone, on purpose.
      await this.#read().catch(() => {});
      await sleep(pause, signal).catch(() => {});
    }
  }

  async #read(): Promise<void> {
    const at = now();
    const leases = await this.#store.leases();
    const seen = JSON.stringify(leases.map(({ key, value }) => [key, value]));
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#leases = leases;
      this.#changed(at);
    }
    if (at >= this.#leftDue) {
      this.#leftDue = at + 500;
      await this.#readLeft(leases);
    }
  }

  async #readLeft(leases: readonly StoredLease[]): Promise<void> {
    const subnets = this.#nodes()
      .filter(({ renewMargin, pid }) => renewMargin < longMargin && pid !== undefined)
      .map(({ file = '' }) => readSubnetFile(file))
      .flatMap(said => (typeof said === 'string' ? [] : said.map(({ subnet }) => formatCidr(subnet))));
    const keys = leases
      .filter(lease => subnetsOf(lease).some(subnet => subnets.includes(formatCidr(subnet))))
      .map(({ key }) => key);
    const times = await Promise.all(
      keys.map(async key => [key, await this.#store.timeToLive(`subnets/${key}`)] as const),
    );
    const left = new Map(times.filter((time): time is [string, number] => time[1] !== undefined));
    if (left.size + this.#left.size === 0) return;
    this.#left = left;
    this.#changed(now());
  }
}

// A registry in memory that models etcd: revisions, records that run out, history that is compacted, outages.
import type { Bell } from '../../lib/bell.ts';
import type { LeaseKey } from '../model/lease.ts';

export interface Row {
  readonly value: string;
  readonly revision: number;
  readonly created: number;
  /** When it runs out, in milliseconds of the registry's clock; undefined for never. */
  readonly expires: number | undefined;
}

export interface Change {
  readonly revision: number;
  readonly key: LeaseKey;
  readonly row: Row | undefined;
}

/** What the stores of several nodes share. Prints itself with {@link text}. */
export class MemoryRegistry {
  configText: string | undefined;
  /** While false, every call fails and every watch is broken off. */
  reachable = true;
  /** How many calls failed because of that. */
  refused = 0;
  /** Milliseconds; moved by {@link elapse}. */
  clock = 0;
  readonly #rows = new Map<LeaseKey, Row>();
  #history: Change[] = [];
  #revision = 1;
  #compacted = 0;
  readonly #watchers = new Set<Bell>();
  /** Runs once before the next conditional write, to lose its race. */
  beforeNextWrite: (() => void) | undefined;

  /** Writes whatever is given, as any client of etcd can; `ttl` in seconds. */
  put(key: LeaseKey, value: string, ttl?: number): number {
    const revision = ++this.#revision;
    const created = this.#rows.get(key)?.created ?? revision;
    const row = {
      value,
      revision,
      created,
      expires: ttl === undefined ? undefined : this.clock + ttl * 1000,
    };
    this.#rows.set(key, row);
    this.#changed({ revision, key, row });
    return revision;
  }

  delete(key: LeaseKey): void {
    if (!this.#rows.delete(key)) return;
    this.#changed({ revision: ++this.#revision, key, row: undefined });
  }

  putConfig(text: string | undefined): void {
    this.configText = text;
    this.#revision++;
    this.#ring();
  }

  /** Lets time pass: grants that run out take their records with them. */
  elapse(seconds: number): void {
    this.clock += seconds * 1000;
    for (const [key, { expires }] of this.#rows)
      if (expires !== undefined && expires <= this.clock) this.delete(key);
  }

  /** Forgets history: a watch that was cut off before now has a gap. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history = [];
    this.#ring();
  }

  /** Cuts all clients off or lets them in again. */
  setReachable(reachable: boolean): void {
    this.reachable = reachable;
    this.#ring();
  }

  row(key: LeaseKey): Row | undefined {
    return this.#rows.get(key);
  }

  /** In key order. */
  rows(): [LeaseKey, Row][] {
    return [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  get revision(): number {
    return this.#revision;
  }

  /** Changes after `revision`, or undefined when they are compacted. */
  since(revision: number): readonly Change[] | undefined {
    return revision < this.#compacted
      ? undefined
      : this.#history.filter(change => change.revision > revision);
  }

  listen(bell: Bell): () => void {
    this.#watchers.add(bell);
    return () => this.#watchers.delete(bell);
  }

  /** `key = value` lines in key order. */
  text(): string {
    return this.rows()
      .map(([key, { value }]) => `${key} = ${value}\n`)
      .join('');
  }

  #changed(change: Change): void {
    this.#history.push(change);
    this.#ring();
  }

  #ring(): void {
    for (const bell of this.#watchers) bell.ring();
  }
}

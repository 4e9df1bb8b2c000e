// A reading of the kernel, kept up with what was done since: comparing it with wishes costs what changed, not what is there.
import { diff, type Op, type Plan } from './diff.ts';
import { entryKey, entryText, type NetEntry, type NetState } from './net-state.ts';

/** Wishes that stay the same have to be the same objects; all others are looked at each time. */
export class Reading {
  readonly #entries: Map<string, NetEntry>;
  /** Wishes known to be fulfilled, one for each key. */
  #met = new Set<NetEntry>();

  constructor(state: NetState) {
    this.#entries = new Map(state.map(entry => [entryKey(entry), entry]));
  }

  get state(): NetState {
    return [...this.#entries.values()];
  }

  /** What {@link diff} says of the whole; `isOurs` must not change its mind about what it was asked before. */
  compare(wanted: NetState, isOurs: (entry: NetEntry) => boolean): Plan {
    if (this.#met.size === 0) return diff(wanted, this.state, isOurs);
    const now = new Set(wanted);
    const fresh = wanted.filter(entry => !this.#met.has(entry));
    // Which of two wishes for one entry comes first, only the whole can tell.
    if (fresh.some(entry => this.#isRival(entry, now))) return diff(wanted, this.state, isOurs);
    const dropped = [...this.#met].filter(entry => !now.has(entry));
    const keys = new Set([...fresh, ...dropped].map(entryKey));
    return diff(
      fresh,
      [...keys].flatMap(key => this.#entries.get(key) ?? []),
      isOurs,
    );
  }

  #isRival(entry: NetEntry, now: ReadonlySet<NetEntry>): boolean {
    const present = this.#entries.get(entryKey(entry));
    return present !== undefined && this.#met.has(present) && now.has(present);
  }

  /** Notes that all of these were carried out, which followed from {@link compare} with these wishes. */
  settle(wanted: NetState, done: readonly Op[]): void {
    const before = this.#met;
    for (const { verb, entry } of done) {
      const key = entryKey(entry);
      const displaced = this.#entries.get(key);
      if (displaced) before.delete(displaced);
      if (verb === 'put') this.#entries.set(key, entry);
      else this.#entries.delete(key);
    }
    this.#met = new Set(wanted.filter(entry => before.has(entry)));
    for (const entry of wanted) if (!before.has(entry)) this.#meet(entry);
  }

  #meet(entry: NetEntry): void {
    const key = entryKey(entry);
    const present = this.#entries.get(key);
    if (!present || this.#met.has(present) || entryText(present) !== entryText(entry)) return;
    this.#entries.set(key, entry);
    this.#met.add(entry);
  }
}

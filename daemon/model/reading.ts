// A reading of the kernel, kept up with what was done since: comparing it with wishes costs what changed, not what is there.
import { changedSpan } from '../../lib/changed-span.ts';
import { diff, type Op, type Plan } from './diff.ts';
import { entryKey, entryText, type NetEntry, type NetState } from './net-state.ts';

/** Wishes that stay the same have to be the same objects, in the same order; all others are looked at each time. */
export class Reading {
  readonly #entries: Map<string, NetEntry>;
  /** What was last asked for, each wish once. */
  #wanted: NetState = [];
  /** Wishes known to be fulfilled, one for each key. */
  readonly #met = new Set<NetEntry>();
  /** The other wishes. */
  #open: NetState = [];

  constructor(state: NetState) {
    this.#entries = new Map(state.map(entry => [entryKey(entry), entry]));
  }

  get state(): NetState {
    return [...this.#entries.values()];
  }

  /**
   * What {@link diff} says of the whole; `isOurs` must not change its mind about what it was asked before. Either all
   * of it is carried out and settled, or the reading is of no use any more.
   */
  compare(wanted: NetState, isOurs: (entry: NetEntry) => boolean): Plan {
    const isFirst = this.#met.size === 0;
    const dropped = this.#turnTo(wanted);
    // Which of two wishes for one entry comes first, only the whole can tell.
    if (isFirst || this.#hasRivals()) return diff(wanted, this.state, isOurs);
    const keys = new Set([...this.#open, ...dropped].map(entryKey));
    return diff(
      this.#open,
      [...keys].flatMap(key => this.#entries.get(key) ?? []),
      isOurs,
    );
  }

  /** Notes that all of these were carried out, which followed from {@link compare}. */
  settle(done: readonly Op[]): void {
    const displaced = done.flatMap(op => this.#carriedOut(op) ?? []);
    const undone = displaced.filter(entry => this.#met.delete(entry));
    this.#open = [...this.#open, ...undone].filter(entry => !this.#meet(entry));
  }

  /** Gives the fulfilled wishes that nobody has any more. */
  #turnTo(wanted: NetState): readonly NetEntry[] {
    const { removed, added } = changedSpan(this.#wanted, wanted);
    const kept = new Set(added);
    const gone = new Set(removed.filter(entry => !kept.has(entry)));
    const open = new Set([...this.#open, ...added]);
    this.#wanted = wanted;
    this.#open = [...open].filter(entry => !this.#met.has(entry) && !gone.has(entry));
    return [...gone].filter(entry => this.#met.delete(entry));
  }

  #hasRivals(): boolean {
    const keys = new Set(this.#open.map(entryKey));
    return keys.size < this.#open.length || keys.values().some(key => this.#isTaken(key));
  }

  #isTaken(key: string): boolean {
    const present = this.#entries.get(key);
    return present !== undefined && this.#met.has(present);
  }

  /** Gives what is no longer there for that. */
  #carriedOut({ verb, entry }: Op): NetEntry | undefined {
    const key = entryKey(entry);
    const displaced = this.#entries.get(key);
    if (verb === 'put') this.#entries.set(key, entry);
    else this.#entries.delete(key);
    return displaced;
  }

  /** Whether the wish is fulfilled; then it stands for what is there. */
  #meet(entry: NetEntry): boolean {
    const key = entryKey(entry);
    const present = this.#entries.get(key);
    if (!present || this.#met.has(present) || entryText(present) !== entryText(entry)) return false;
    this.#entries.set(key, entry);
    this.#met.add(entry);
    return true;
  }
}

// A reading of the kernel, kept up with what was done since: comparing it with wishes costs what changed, not what is there.
import { changedSpan } from '../../lib/changed-span.ts';
import { diff, type Op, type Plan } from './diff.ts';
import { entryKey, entryText, type NetEntry, type NetState } from './net-state.ts';

/** Wishes that stay the same have to be the same objects, in the same order; all others are looked at each time. */
export class Reading {
  readonly #entries: Map<string, NetEntry>;
  /** The wishes that were last settled, each once. */
  #wanted: NetState = [];
  /** Those of them known to be fulfilled, one for each key. */
  readonly #met = new Set<NetEntry>();
  /** The others. */
  #unmet: NetState = [];

  constructor(state: NetState) {
    this.#entries = new Map(state.map(entry => [entryKey(entry), entry]));
  }

  get state(): NetState {
    return [...this.#entries.values()];
  }

  /** What {@link diff} says of the whole; `isOurs` must not change its mind about what it was asked before. */
  compare(wanted: NetState, isOurs: (entry: NetEntry) => boolean): Plan {
    if (this.#met.size === 0) return diff(wanted, this.state, isOurs);
    const { open, dropped } = this.#news(wanted);
    // Which of two wishes for one entry comes first, only the whole can tell.
    if (this.#hasRivals(open, dropped)) return diff(wanted, this.state, isOurs);
    const keys = new Set([...open, ...dropped].map(entryKey));
    return diff(
      open,
      [...keys].flatMap(key => this.#entries.get(key) ?? []),
      isOurs,
    );
  }

  /** Notes that all of these were carried out, which followed from {@link compare} with these wishes. */
  settle(wanted: NetState, done: readonly Op[]): void {
    const displaced = done.flatMap(op => this.#carriedOut(op) ?? []);
    this.#unmet = [...this.#unmet, ...displaced.filter(entry => this.#met.delete(entry))];
    const { open, dropped } = this.#news(wanted);
    for (const entry of dropped) this.#met.delete(entry);
    this.#unmet = open.filter(entry => !this.#meet(entry));
    this.#wanted = wanted;
  }

  /** The wishes not known to be fulfilled, and fulfilled ones that nobody has any more. */
  #news(wanted: NetState): { readonly open: readonly NetEntry[]; readonly dropped: ReadonlySet<NetEntry> } {
    const { removed, added } = changedSpan(this.#wanted, wanted);
    const here = new Set(added);
    const gone = new Set(removed.filter(entry => !here.has(entry)));
    const candidates = new Set([...this.#unmet, ...added]);
    return {
      open: [...candidates].filter(entry => !this.#met.has(entry) && !gone.has(entry)),
      dropped: new Set([...gone].filter(entry => this.#met.has(entry))),
    };
  }

  #hasRivals(open: readonly NetEntry[], dropped: ReadonlySet<NetEntry>): boolean {
    const isTaken = (key: string) => {
      const present = this.#entries.get(key);
      return present !== undefined && this.#met.has(present) && !dropped.has(present);
    };
    const keys = new Set(open.map(entryKey));
    return keys.size < open.length || keys.values().some(isTaken);
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

// Which command is due for which peer: pure but for its memory of what was run; the clock is passed in.
import type { LeaseKey } from '../model/lease.ts';
import { type Backoff, backoff } from '../model/renewal.ts';
import type { Target } from './targets.ts';

export interface Task {
  readonly verb: 'add' | 'remove';
  readonly target: Target;
}

export type Targets = ReadonlyMap<LeaseKey, Target>;

interface Tracked {
  /** What the last command for this peer was told. */
  readonly target: Target;
  readonly state: 'added' | 'not added' | 'not removed';
  /** Failed removals. */
  readonly tries: number;
  readonly wait: Backoff;
  /** When to try again, on the clock of the caller. */
  readonly due: number;
}

/** A removal that fails so often is given up: what it was to remove may never have been there. */
export const removalTries = 5;

/** Milliseconds between attempts for one peer: the first, and the longest. */
const retryPause = [1000, 300_000] as const;

export class PeerQueue {
  readonly #tracked: Map<LeaseKey, Tracked>;

  /** `remembered` are peers that an earlier run has added: they are removed or added once more. */
  constructor(remembered: readonly Target[] = []) {
    const state = 'not added';
    this.#tracked = new Map(
      remembered.map(target => [
        target.key,
        { target, state, tries: 0, wait: backoff(...retryPause), due: Number.NEGATIVE_INFINITY },
      ]),
    );
  }

  /** What commands have been told of, and not been told to remove. */
  get targets(): readonly Target[] {
    return [...this.#tracked.values()].map(({ target }) => target);
  }

  /**
   * The next task, or the milliseconds until one may be due. What has left goes first, and so does what a peer was
   * before it changed; then come new peers, and last those that failed before, by turns.
   */
  next(wanted: Targets, now: number): Task | number {
    let soonest = Infinity;
    let again: { readonly target: Target; readonly due: number } | undefined;
    for (const [key, { target, state, due }] of this.#tracked) {
      const present = wanted.get(key);
      if (!present && (state !== 'not removed' || due <= now)) return { verb: 'remove', target };
      if (present && present.identity !== target.identity) return { verb: 'remove', target };
      if (state === 'added') continue;
      if (present && due <= now && !(again && again.due <= due)) again = { target: present, due };
      soonest = Math.min(soonest, due);
    }
    for (const [key, target] of wanted) if (!this.#tracked.has(key)) return { verb: 'add', target };
    return again ? { verb: 'add', target: again.target } : soonest - now;
  }

  /** How a task went; says whether it will be tried again. */
  report({ verb, target }: Task, succeeded: boolean, wanted: Targets, now: number): boolean {
    const { key } = target;
    const { wait, tries } = this.#tracked.get(key) ?? { wait: backoff(...retryPause), tries: 0 };
    if (verb === 'add' && succeeded)
      this.#tracked.set(key, { target, state: 'added', tries: 0, wait: backoff(...retryPause), due: 0 });
    else if (verb === 'add')
      this.#tracked.set(key, { target, state: 'not added', tries: 0, wait, due: now + wait.next() });
    // What a peer is now does not wait for the end of what it was.
    else if (succeeded || wanted.has(key) || tries + 1 >= removalTries) this.#tracked.delete(key);
    else
      this.#tracked.set(key, {
        target,
        state: 'not removed',
        tries: tries + 1,
        wait,
        due: now + wait.next(),
      });
    return !succeeded && this.#tracked.has(key);
  }
}

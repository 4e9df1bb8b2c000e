// The one loop that owns the kernel: read what is there, compare with what should be, change it, keep what failed.

import { Bell } from '../../lib/bell.ts';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Failure, Kernel, ReadScope } from '../kernel/kernel.ts';
import { leftovers, type Op, type Plan } from '../model/diff.ts';
import type { NetEntry, NetState } from '../model/net-state.ts';
import { Reading } from '../model/reading.ts';
import { backoff } from '../model/renewal.ts';
import type { Observe } from '../operations/happening.ts';
import { reportChanges } from './report.ts';
import { createTroubles } from './troubles.ts';

export interface ReconcileOptions {
  readonly kernel: Kernel;
  readonly scope: ReadScope;
  /** Called with each new reading of the kernel, before anything else. */
  readonly look: (present: NetState) => void;
  /** What should be there now, given what is there, for which few have to ask. Called before each comparison. */
  readonly desired: (present: () => NetState) => NetState;
  /** Says, given what is there, of each entry whether it may be removed when it is not desired. */
  readonly isOurs: (present: NetState) => (entry: NetEntry) => boolean;
  readonly log: Logger;
  readonly observe: Observe;
  /** How often the kernel is read although nothing was heard, in milliseconds. Default 30 s. */
  readonly resync?: number;
}

/** While others undo our changes, the time between two repairs grows from the first to the second; milliseconds. */
const repairPause = [100, 5000] as const;
/** The least time between two readings that changes by others ask for, once one was in vain; milliseconds. */
const vainPause = 1000;

interface Pass {
  readonly changes: number;
  /** Changes that failed; 1 when the whole pass did. */
  readonly failures: number;
  /** Whether one of them was something every peer needs. */
  readonly broken: boolean;
  /** Whether a device was made, or made anew. */
  readonly madeLink: boolean;
}

export class Reconciler {
  readonly #options: ReconcileOptions;
  readonly #bell = new Bell();
  readonly #repair = backoff(...repairPause);
  readonly #complain: (failures: readonly Failure[], conflicts: Plan['conflicts']) => void;
  readonly #settled = Promise.withResolvers<void>();
  /** What is there, as far as known; undefined when it has to be read. */
  #reading: Reading | undefined;
  #kernelChanged = false;
  /** When a change by others last turned out to be nothing of ours, on the clock of `performance.now()`. */
  #inVain = -Infinity;
  /** The last error of a whole pass, to say it once. */
  #said: string | undefined;

  constructor(options: ReconcileOptions) {
    this.#options = options;
    this.#complain = createTroubles(options.log);
  }

  /** Something `desired` depends on has changed. */
  trigger(): void {
    this.#bell.ring();
  }

  /** Resolves after the first pass, whether or not everything could be done. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Runs until the signal aborts; rejects with its reason. Nothing is taken down. */
  async run(signal: AbortSignal): Promise<never> {
    const { kernel, scope, observe, resync = 30_000 } = this.#options;
    let pump: Promise<void> | undefined;
    const retry = backoff(250, 10_000);
    const remade = backoff(...repairPause);
    let madeBefore = false;
    try {
      for (;;) {
        const repairing = this.#kernelChanged;
        this.#kernelChanged = false;
        if (repairing) this.#reading = undefined;
        const started = performance.now();
        const { changes, failures, broken, madeLink } = await this.#pass(signal);
        const seconds = (performance.now() - started) / 1000;
        observe({ kind: 'pass', seconds, changes, failures, broken });
        const failed = failures > 0;
        this.#settled.resolve();
        // Hearing of all that the first pass does would take longer than looking once more after it.
        pump ??= this.#listen(kernel.changes(scope, signal), signal);
        if (repairing && changes === 0) {
          this.#repair.reset();
          this.#inVain = performance.now();
        }
        if (!failed) retry.reset();
        // A device made anew takes everything on it away: what is there has to be read again, but not for ever at once.
        if (!madeLink) remade.reset();
        else if (!madeBefore) this.#bell.ring();
        const pause = failed ? retry.next() : madeLink ? remade.next() : resync;
        madeBefore = madeLink;
        const heard = await this.#bell.heard(pause, signal);
        if (!heard || failed) this.#reading = undefined;
      }
    } finally {
      await pump;
    }
  }

  /** Brings the kernel to the desired state once, as far as it can be. */
  async #pass(signal: AbortSignal): Promise<Pass> {
    const { kernel, desired, log } = this.#options;
    try {
      const reading = this.#reading ?? (await this.#read(signal));
      this.#reading = undefined;
      const isOurs = this.#ownership(reading);
      const wanted = desired(() => reading.state);
      const { ops, conflicts } = reading.compare(wanted, isOurs);
      const failures = ops.length === 0 ? [] : await kernel.apply(ops, signal);
      const failed = new Set(failures.map(({ op }) => op));
      const stale = leftovers([...failed], isOurs);
      if (stale.length > 0) await kernel.apply(stale, signal);
      const done = ops.filter(op => !failed.has(op));
      this.#complain(failures, conflicts);
      reportChanges(done, log);
      const madeLink = done.some(isNewLink);
      if (failures.length === 0 && !madeLink) {
        reading.settle(done);
        this.#reading = reading;
      }
      this.#said = undefined;
      const broken = failures.some(({ op }) => isForAll(op));
      return { changes: ops.length, failures: failures.length, broken, madeLink };
    } catch (error) {
      signal.throwIfAborted();
      const text = describeError(error);
      if (text !== this.#said) log.error('cannot read or program the network, trying on', { error: text });
      this.#said = text;
      return { changes: 0, failures: 1, broken: true, madeLink: false };
    }
  }

  /** Few passes remove anything. */
  #ownership(reading: Reading): (entry: NetEntry) => boolean {
    let judge: ((entry: NetEntry) => boolean) | undefined;
    return entry => {
      judge ??= this.#options.isOurs(reading.state);
      return judge(entry);
    };
  }

  async #read(signal: AbortSignal): Promise<Reading> {
    const { kernel, scope, look } = this.#options;
    const present = await kernel.read(scope, signal);
    look(present);
    return new Reading(present);
  }

  /** How long to wait before a change that was heard of is looked at, in milliseconds. */
  #pause(): number {
    return Math.max(this.#repair.next(), this.#inVain + vainPause - performance.now());
  }

  /** Rings a moment after a change by others, who may be in the middle of something. */
  async #listen(changes: AsyncIterable<void>, signal: AbortSignal): Promise<void> {
    const look = () => {
      pending = undefined;
      this.#kernelChanged = true;
      if (!signal.aborted) this.#bell.ring();
    };
    // For what happened before anybody listened.
    let pending: NodeJS.Timeout | undefined = setTimeout(look, vainPause);
    try {
      for await (const _ of changes) pending ??= setTimeout(look, this.#pause());
    } catch (error) {
      this.#bell.break(error);
    } finally {
      clearTimeout(pending);
    }
  }
}

function isNewLink({ verb, entry }: Op): boolean {
  return verb === 'put' && entry.kind === 'link';
}

/** A route, neighbour or forwarding entry is for one peer; whoever wrote that peer's record must not make us unready. */
function isForAll({ verb, entry }: Op): boolean {
  return verb === 'put' && ['link', 'wireguard', 'address', 'sysctl'].includes(entry.kind);
}

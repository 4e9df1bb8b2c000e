// What happened to a cluster and when, by one clock: what was done to it, which faults it had, what was seen of it.

/**
 * `act`: something a scenario or a person did at once. `fault` and `healed`: the ends of a fault. `check`: what a check
 * came to. `violation`: something that must not be, seen by whoever watches. `traffic`: packets lost, or none any more.
 */
export type HappeningKind = 'act' | 'fault' | 'healed' | 'check' | 'violation' | 'traffic';

export interface Happening {
  /** Milliseconds since the epoch, with fractions. */
  readonly at: number;
  readonly kind: HappeningKind;
  /** For people: `the daemon of node1 is frozen`. */
  readonly what: string;
  /** What makes two ends one fault; undefined for all other kinds. */
  readonly fault?: number;
}

/** Time in which something was broken on purpose. */
export interface FaultWindow {
  readonly what: string;
  /** Milliseconds since the epoch: from before it was made, as its effect may come earlier than its proof. */
  readonly from: number;
  /** Undefined while it lasts. */
  readonly to: number | undefined;
}

export class Journal {
  readonly #happenings: Happening[] = [];
  #faults = 0;

  /** In order of time. */
  get happenings(): readonly Happening[] {
    return this.#happenings;
  }

  /** `at`: when it was, if not now; milliseconds since the epoch. */
  note(kind: Exclude<HappeningKind, 'fault' | 'healed'>, what: string, at = now()): void {
    const later = this.#happenings.findLastIndex(happening => happening.at <= at) + 1;
    this.#happenings.splice(later, 0, { at, kind, what });
  }

  /** Notes that a fault begins, and returns what notes its end, once. */
  fault(what: string): () => void {
    const fault = ++this.#faults;
    this.#happenings.push({ at: now(), kind: 'fault', what, fault });
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#happenings.push({ at: now(), kind: 'healed', what, fault });
    };
  }
}

/** In order of their beginnings. */
export function faultWindows(happenings: readonly Happening[]): readonly FaultWindow[] {
  const ends = new Map(
    happenings.filter(({ kind }) => kind === 'healed').map(({ fault, at }) => [fault, at]),
  );
  return happenings
    .filter(({ kind }) => kind === 'fault')
    .map(({ what, at, fault }) => ({ what, from: at, to: ends.get(fault) }));
}

/** Milliseconds since the epoch by a clock that never goes back. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

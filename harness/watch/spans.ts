// Problems over time: how long each stood, and which stood longer than they may.
import type { FaultWindow } from '../journal.ts';
import { type InvariantName, invariants, type Problem, settleTime } from './invariants.ts';

/** A problem for as long as it stood. Milliseconds since the epoch. */
export interface Span extends Problem {
  readonly begin: number;
  /** Undefined while it stands. */
  readonly end: number | undefined;
}

/** What must not have been. Plain data. */
export interface Violation {
  readonly invariant: InvariantName;
  readonly node?: string;
  readonly what: string;
  /** The first moment at which it was so without an excuse; milliseconds since the epoch. */
  readonly at: number;
  /** How long it stood from there on, in milliseconds; until the end of the watch where it never ended. */
  readonly stood: number;
  /** The fault that lasted then: `etcd is paused`. */
  readonly during?: string;
  /** Why the scenario wants it so; a violation that is declared fails nothing. */
  readonly allowed?: string;
}

/** What a scenario declares: that something will not hold, and why. */
export interface Allowance {
  readonly invariant: InvariantName;
  readonly why: string;
  readonly from: number;
  readonly to: number;
}

/** Time that excuses what is excusable. */
export interface Excuse {
  readonly from: number;
  readonly to: number;
}

/** Keeps the problems that stand, and for how long those stood that no longer do. */
export class Spans {
  readonly #over: Span[] = [];
  #standing = new Map<string, Span>();

  /** `problems`: all that there are at that moment. */
  update(at: number, problems: readonly Problem[]): void {
    const next = new Map<string, Span>();
    for (const problem of problems) {
      const key = `${problem.invariant} ${problem.what}`;
      next.set(key, this.#standing.get(key) ?? { ...problem, begin: at, end: undefined });
    }
    for (const [key, span] of this.#standing) if (!next.has(key)) this.#over.push({ ...span, end: at });
    this.#standing = next;
  }

  /** By their beginnings. */
  get all(): readonly Span[] {
    return [...this.#over, ...this.#standing.values()].toSorted((a, b) => a.begin - b.begin);
  }
}

export interface Circumstances {
  readonly backend: string;
  readonly excuses: readonly Excuse[];
  readonly allowances: readonly Allowance[];
  readonly faults: readonly FaultWindow[];
  /** The end of the watch. */
  readonly until: number;
}

/** What stood too long, by its first moment, one for each thing. Pure. */
export function violations(
  spans: readonly Span[],
  { backend, excuses, allowances, faults, until }: Circumstances,
): readonly Violation[] {
  const found = spans.flatMap(({ invariant, node, what, begin, end = until }): readonly Violation[] => {
    const { excusable } = invariants[invariant];
    const settle = settleTime(invariant, backend);
    const tooLong = (piece: Excuse) => piece.to - piece.from >= settle;
    const excused = excusable ? excuses.reduce(cut, [{ from: begin, to: end }]) : [{ from: begin, to: end }];
    if (!excused.some(tooLong)) return [];
    const declared = allowances.filter(
      allowance => allowance.invariant === invariant && allowance.from <= end && begin <= allowance.to,
    );
    const left = declared.reduce(cut, excused).find(tooLong);
    const { from, to } = left ?? excused.find(tooLong) ?? { from: begin, to: end };
    const fault = faults.findLast(window => window.from <= from && from <= (window.to ?? until));
    return [
      {
        invariant,
        ...(node !== undefined && { node }),
        what,
        at: from,
        stood: to - from,
        ...(fault && { during: fault.what }),
        ...(!left && { allowed: declared.map(({ why }) => why).join('; ') }),
      },
    ];
  });
  const same = Map.groupBy(
    found.toSorted(
      (a, b) => Number(a.allowed !== undefined) - Number(b.allowed !== undefined) || a.at - b.at,
    ),
    ({ invariant, what }) => `${invariant} ${what}`,
  );
  return [...same.values()].flatMap(each => each.slice(0, 1)).toSorted((a, b) => a.at - b.at);
}

/** What is left of each piece without the excuse. */
function cut(pieces: readonly Excuse[], excuse: Excuse): readonly Excuse[] {
  return pieces.flatMap(piece => {
    if (excuse.to <= piece.from || piece.to < excuse.from) return [piece];
    const before = { from: piece.from, to: excuse.from };
    const after = { from: excuse.to, to: piece.to };
    return [before, after].filter(({ from, to }) => from < to);
  });
}

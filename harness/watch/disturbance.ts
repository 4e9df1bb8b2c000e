// What each thing that was done to a cluster cost: the probes that were lost, and the time until all was well again.
import type { Happening } from '../journal.ts';
import { recovery } from './invariants.ts';
import type { Outage } from './outage.ts';
import type { Excuse, Span } from './spans.ts';

/** Times in milliseconds since the epoch. What comes after the next disturbance counts for that one. */
export interface Disturbance {
  readonly kind: 'act' | 'fault' | 'healed';
  readonly what: string;
  readonly at: number;
  /** Probes, of all pairs together. */
  readonly lost: number;
  /** When the first of them was sent, and the last; absent when none was lost. */
  readonly firstLost?: number;
  readonly lastLost?: number;
  /** When each pair had an answer again; absent while one had none, and when none was lost. */
  readonly restored?: number;
  /** When the last invariant held again that did not; `at` when all did, and absent while one did not. */
  readonly settled?: number;
}

/** In order of time. `until`: the end of the watch. Pure. */
export function disturbances(
  happenings: readonly Happening[],
  outages: readonly Outage[],
  spans: readonly Span[],
  until: number,
): readonly Disturbance[] {
  const found = happenings.filter(isDisturbance);
  return found.map(({ kind, what, at }, index) => {
    const next = found[index + 1]?.at ?? until;
    const mine = outages.filter(({ begin, end = until }) => begin < next && end >= at);
    const lost = mine.filter(({ begin }) => begin >= at).reduce((sum, each) => sum + each.lost, 0);
    const ends = mine.map(({ end }) => end);
    const states = spans.filter(({ begin, end = until }) => begin < next && end >= at);
    const settled = states.map(({ end }) => end);
    return {
      kind,
      what,
      at,
      lost,
      ...(mine.length > 0 && {
        firstLost: Math.max(at, Math.min(...mine.map(({ begin }) => begin))),
        lastLost: Math.min(next, Math.max(...mine.map(({ last }) => last))),
      }),
      ...(mine.length > 0 && ends.every(isBefore(next)) && { restored: Math.max(...ends) }),
      ...(settled.every(isBefore(next)) && { settled: Math.max(at, ...settled) }),
    };
  });
}

function isBefore(next: number) {
  return (end: number | undefined): end is number => end !== undefined && end <= next;
}

function isDisturbance(happening: Happening): happening is Happening & { kind: Disturbance['kind'] } {
  return ['act', 'fault', 'healed'].includes(happening.kind);
}

/** From each fault until it is healed, from each act on, and {@link recovery} longer. Pure. */
export function excuses(happenings: readonly Happening[]): readonly Excuse[] {
  const disturbing = happenings.filter(isDisturbance);
  return disturbing.map(({ kind, at, fault }) => {
    const healed =
      kind === 'fault' ? disturbing.find(other => other.kind === 'healed' && other.fault === fault) : { at };
    return { from: at, to: (healed?.at ?? Number.POSITIVE_INFINITY) + recovery };
  });
}

// What a watch found, as plain data, and for people.
import type { Happening } from '../journal.ts';
import type { Disturbance } from './disturbance.ts';
import { invariants } from './invariants.ts';
import type { Outage } from './outage.ts';
import type { Violation } from './spans.ts';
import type { NodeUsage } from './usage.ts';

/** JSON-able, in a stable shape: `watch.json` of the evidence. Times in milliseconds since the epoch. */
export interface WatchReport {
  readonly from: number;
  readonly to: number;
  /** By their first moments; those with `allowed` are declared by the scenario. */
  readonly violations: readonly Violation[];
  readonly disturbances: readonly Disturbance[];
  readonly outages: readonly Outage[];
  readonly probes: {
    readonly sent: number;
    readonly answered: number;
    /** Milliseconds between two probes of one pair. */
    readonly interval: number;
  };
  readonly usage: readonly NodeUsage[];
  /** One sentence for each node that was not seen at all. */
  readonly unwatched: readonly string[];
}

/** What fails a scenario, the first of each kind on each node; empty when nothing does. */
export function failureLines(
  { violations, unwatched }: WatchReport,
  happenings: readonly Happening[],
): readonly string[] {
  const wrong = violations.filter(({ allowed }) => allowed === undefined);
  const kinds = Map.groupBy(wrong, ({ invariant, node }) => `${invariant} ${node}`);
  const lines = [...kinds.values()].map(([first, ...more]) => {
    const others = more.length > 0 ? ` (and ${more.length} more like this)` : '';
    return first ? `${violationText(first, happenings)}${others}` : '';
  });
  return [...unwatched, ...lines];
}

/** `clean-log: node1 logs: panic: …; while etcd is paused, 0.204 s after the fault "etcd is paused" began`. */
function violationText({ invariant, what, at, stood, during }: Violation, happenings: readonly Happening[]) {
  const before = happenings.findLast(each => isDisturbance(each) && each.at <= at);
  const last = before
    ? `${seconds(at - before.at)} after ${happeningText(before)}`
    : 'before anything was done to the cluster';
  const when = during && before?.what !== during ? `while ${during}, ${last}` : last;
  const long = stood > 0 ? `, for ${seconds(stood)}` : '';
  return `${invariant} (${invariants[invariant].says}): ${what}; ${when}${long}`;
}

/** One line for each happening and violation, by time since the watch began. */
export function timeline({ from, violations }: WatchReport, happenings: readonly Happening[]): string {
  const lines = [
    ...happenings.map(happening => ({
      at: happening.at,
      text: `${happening.kind.padEnd(9)}  ${happening.what}`,
    })),
    ...violations
      .filter(({ allowed }) => allowed !== undefined)
      .map(({ at, what, allowed }) => ({ at, text: `${'allowed'.padEnd(9)}  ${what} (${allowed})` })),
  ];
  return lines
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => `${seconds(at - from).padStart(9)}  ${text}\n`)
    .join('');
}

/** What each disturbance cost, one line each. */
export function disturbanceLines({ disturbances }: WatchReport): readonly string[] {
  return disturbances.map(({ kind, what, at, lost, firstLost, lastLost, restored, settled }) => {
    const since = (time: number | undefined) =>
      time === undefined ? 'never' : `after ${seconds(time - at)}`;
    const traffic =
      firstLost === undefined
        ? 'no probe lost'
        : `${lost} probes lost, the first ${since(firstLost)}, the last ${since(lastLost)}, all pairs restored ${since(restored)}`;
    return `${kind === 'healed' ? 'healed: ' : ''}${what}: ${traffic}; state settled ${since(settled)}`;
  });
}

function isDisturbance({ kind }: Happening): boolean {
  return kind === 'act' || kind === 'fault' || kind === 'healed';
}

function happeningText({ kind, what }: Happening): string {
  return kind === 'act'
    ? `"${what}"`
    : kind === 'fault'
      ? `the fault "${what}" began`
      : `"${what}" was healed`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)} s`;
}

// Measures two daemons in turn, A B A B …, so that a machine whose speed drifts treats both alike; medians and their ratio.
import { describeError } from '../lib/errors.ts';
import { table } from '../lib/table.ts';

export type Unit = 's' | 'ms' | 'MB' | 'Mbit/s' | 'packets/s' | 's/GB';

export interface Bench {
  readonly unit: Unit;
  /** What the figure says, for the table. */
  readonly what: string;
  /** Undefined when it can run here, otherwise why not. */
  unavailable(): Promise<string | undefined>;
  /** One measurement with this daemon under test; it may tell what else it saw. */
  measure(daemon: string, tell: (text: string) => void): Promise<number>;
}

export interface Figure {
  readonly unit: string;
  readonly ours: number;
  readonly peer: number | null;
  /** ours / peer. */
  readonly ratio: number | null;
  /** Counted of the daemon that has fewer of them. */
  readonly runs: number;
}

export interface CompareOptions {
  readonly runs: number;
  readonly peer: string | undefined;
  readonly progress: (text: string) => void;
  /** Told of each measurement that failed; the others go on. */
  readonly failed: (text: string) => void;
}

/** Undefined, after saying why, when the bench cannot run here or never succeeds. One run of each comes first and is not counted. */
export async function compare(
  bench: Bench,
  { runs, peer, progress, failed }: CompareOptions,
): Promise<Figure | undefined> {
  const reason = await bench.unavailable();
  if (reason !== undefined) {
    progress(`skipped: ${reason}`);
    return undefined;
  }
  const daemons = peer === undefined ? ['ts'] : ['ts', peer];
  const taken = daemons.map((): number[] => []);
  for (let run = 0; run <= runs; run++) {
    for (const [index, daemon] of daemons.entries()) {
      const name = `${run === 0 ? 'warm-up' : `run ${run}`}, ${daemon}`;
      try {
        const value = await bench.measure(daemon, text => progress(`${name}: ${text}`));
        progress(`${name}: ${value.toFixed(2)} ${bench.unit}`);
        if (run > 0) taken[index]?.push(value);
      } catch (error) {
        failed(`${name} failed: ${describeError(error)}`);
      }
    }
  }
  const idle = daemons.filter((_, index) => taken[index]?.length === 0);
  if (idle.length > 0) {
    failed(`no figure: every run of ${idle.join(' and ')} failed`);
    return undefined;
  }
  const [ours = Number.NaN, theirs] = taken.map(median);
  return figure(bench.unit, ours, theirs, Math.min(...taken.map(({ length }) => length)));
}

function figure(unit: string, ours: number, peer: number | undefined, runs: number): Figure {
  return { unit, ours, peer: peer ?? null, ratio: peer === undefined ? null : ours / peer, runs };
}

/** Of an odd or even number of values; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** The least value that `percent` of the values do not exceed; NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN;
}

export function renderFigures(figures: Readonly<Record<string, Figure>>): string {
  const text = (value: number | null) => (value === null ? '-' : value.toFixed(2));
  const rows = Object.entries(figures).map(([name, { unit, ours, peer, ratio, runs }]) => [
    name,
    `${text(ours)} ${unit}`,
    peer === null ? '-' : `${text(peer)} ${unit}`,
    text(ratio),
    String(runs),
  ]);
  return table([['BENCH', 'OURS', 'PEER', 'RATIO', 'RUNS'], ...rows]);
}

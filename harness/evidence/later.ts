// Goes on looking after a check has failed, to tell what is slow from what never comes.
import { sleep } from '../../lib/wait.ts';

export interface Patience {
  /** Milliseconds to go on looking; at most 0: not at all. */
  readonly patience: number;
  /** When the check began, by performance.now(). */
  readonly started: number;
  readonly signal: AbortSignal;
}

/** Milliseconds between two looks. */
const interval = 500;

/** `slow (converged after 14.2 s)` or `never (not within 70 s)`; undefined when there is no time to look. */
export async function slowOrNever(
  passes: () => Promise<boolean>,
  { patience, started, signal }: Patience,
): Promise<string | undefined> {
  if (patience <= 0) return undefined;
  const since = () => seconds(performance.now() - started);
  const end = performance.now() + patience;
  for (;;) {
    if (await passes().catch(() => false)) return `slow (converged after ${since()})`;
    const left = end - performance.now();
    if (left <= 0) return `never (not within ${since()})`;
    await sleep(Math.min(interval, left), signal);
  }
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}

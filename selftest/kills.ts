// Kills `lab` at random moments, on one driver, with a cluster of somebody else beside it.
import { killings } from '../harness/cli/killing.fixture.ts';
import type { DriverName } from '../harness/drivers/driver.ts';
import type { Detail } from './figures.ts';

export async function tryKills(
  driver: DriverName,
  plan: { readonly seed: number; readonly count: number },
  signal: AbortSignal,
  done: (detail: Detail) => void,
): Promise<void> {
  const all = killings(driver, plan);
  let started = performance.now();
  const tell = (detail: Omit<Detail, 'ok' | 'seconds'>, left: readonly string[]) => {
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    started = performance.now();
    done({ ...detail, ok: left.length === 0, seconds });
  };
  let next = await all.next();
  for (; !next.done; next = await all.next()) {
    const { moment, found, left } = next.value;
    const name = `${driver}: ${moment.verb} after ${moment.after} ms`;
    const removed = found.length === 0 ? 'there was nothing yet' : `removed ${found.join(', ')}`;
    if (left.length === 0) tell({ kind: 'kill', name, outcome: 'clean', why: removed }, left);
    else tell({ kind: 'kill', name, outcome: 'left something', why: left.join(', ') }, left);
    if (signal.aborted) await all.return([]);
    signal.throwIfAborted();
  }
  const name = `${driver}: a cluster of somebody else`;
  const [outcome, why] =
    next.value.length === 0
      ? ['untouched', 'all is there, and all pings are answered']
      : ['harmed', next.value.join(', ')];
  tell({ kind: 'bystander', name, outcome, why }, next.value);
}

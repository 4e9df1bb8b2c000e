// Builds each mutant, runs the scenario that must catch it, and says whether it did.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleDaemon } from '../ci/build-daemon.ts';
import { describeError } from '../lib/errors.ts';
import type { Detail } from './figures.ts';
import type { Mutant } from './mutants.ts';
import { mutation } from './mutation.ts';
import { evidenceIn, find, judge, type TestReport } from './outcome.ts';
import { runScenarios } from './scenarios.ts';

/** Writes the daemon with its patches into the folder; throws when one of them has no place. */
export async function buildMutant({ name, patches }: Mutant, folder: string): Promise<string> {
  const { plugin, left } = mutation(patches);
  await bundleDaemon(folder, [plugin]);
  const [unused] = left();
  if (unused) throw new Error(`mutant ${name}: ${unused.module} is not part of the daemon`);
  return join(folder, 'flanneld.js');
}

/** How their scenarios fare with the daemon as it is: only one that passes then can catch anything. */
export function soundly(mutants: readonly Mutant[], signal: AbortSignal): Promise<readonly TestReport[]> {
  return runScenarios(
    mutants.map(({ caughtBy }) => caughtBy),
    'ts',
    signal,
  );
}

export async function catchMutant(
  mutant: Mutant,
  sound: readonly TestReport[],
  signal: AbortSignal,
): Promise<Detail> {
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'));
  try {
    const reports = await runScenarios([mutant.caughtBy], `bin:${await buildMutant(mutant, folder)}`, signal);
    const { outcome, why } = judge(mutant, find(sound, mutant.caughtBy), reports);
    // What was wanted needs no looking into.
    if (outcome === 'caught')
      await Promise.all(evidenceIn(reports).map(path => rm(path, { recursive: true, force: true })));
    return detail(mutant, outcome === 'caught', outcome, why, started);
  } catch (error) {
    signal.throwIfAborted();
    return detail(mutant, false, 'unclear', describeError(error), started);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function detail({ name }: Mutant, ok: boolean, outcome: string, why: string, started: number): Detail {
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { kind: 'mutant', name, ok, outcome, why, seconds };
}

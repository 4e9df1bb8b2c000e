// Builds each mutant, runs the scenario that must catch it, and says whether it did.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleDaemon } from '../ci/build-daemon.ts';
import { describeError } from '../lib/errors.ts';
import type { Detail } from './figures.ts';
import type { Mutant } from './mutants.ts';
import { mutation } from './mutation.ts';
import { find, judge, type Outcome, type TestReport } from './outcome.ts';
import { runScenarios } from './scenarios.ts';

/** Writes the daemon with its patches into the folder; throws when one of them has no place. */
export async function buildMutant({ name, patches }: Mutant, folder: string): Promise<string> {
  const { plugin, left } = mutation(patches);
  await bundleDaemon(folder, { plugins: [plugin] });
  const [unused] = left();
  if (unused) throw new Error(`mutant ${name}: ${unused.module} is not part of the daemon`);
  return join(folder, 'flanneld.js');
}

/** How their scenarios fare with the daemon as it is: only one that passes then can catch anything. */
export async function soundly(
  mutants: readonly Mutant[],
  signal: AbortSignal,
): Promise<readonly TestReport[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sound-'));
  const names = mutants.map(({ caughtBy }) => caughtBy);
  const reports = await runScenarios(names, 'ts', folder, signal);
  if (names.every(name => find(reports, name)?.status === 'passed')) await rm(folder, { recursive: true });
  return reports;
}

/** What became of a mutant that was not caught is kept, for people to look into. */
export async function catchMutant(
  mutant: Mutant,
  sound: readonly TestReport[],
  signal: AbortSignal,
): Promise<Detail> {
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), `${mutant.name}-`));
  const { outcome, why } = await outcomeOf(mutant, sound, folder, signal);
  const ok = outcome === 'caught';
  if (ok) await rm(folder, { recursive: true });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return {
    kind: 'mutant',
    name: mutant.name,
    ok,
    outcome,
    why: ok ? why : `${why} (see ${folder})`,
    seconds,
  };
}

async function outcomeOf(
  mutant: Mutant,
  sound: readonly TestReport[],
  folder: string,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const daemon = `bin:${await buildMutant(mutant, join(folder, 'daemon'))}`;
    const reports = await runScenarios([mutant.caughtBy], daemon, folder, signal);
    return judge(mutant, find(sound, mutant.caughtBy), reports);
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'unclear', why: describeError(error) };
  }
}

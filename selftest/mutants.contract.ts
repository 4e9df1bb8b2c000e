// A few mutants, quick ones, against real clusters: what is caught and what survives. `npm run selftest` has all.
import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readyDriver } from '../harness/drivers/index.ts';
import { catchMutant, soundly } from './broken-daemons.ts';
import { type Mutant, mutants } from './mutants.ts';

const problem = await readyDriver('netns').then(
  () => undefined,
  error => String(error),
);
const signal = AbortSignal.timeout(100_000);

const quick = mutants.filter(({ name }) =>
  ['ends-with-0-when-it-fails', 'takes-no-hops-in-udp'].includes(name),
);
const [first] = quick;
/** The same daemon: a scenario that catches this one is worth nothing. */
const harmless: readonly Mutant[] = first
  ? [
      {
        ...first,
        name: 'harmless',
        patches: [
          { module: 'daemon/main.ts', find: 'async function main()', replace: 'async  function main()' },
        ],
      },
    ]
  : [];

test('mutants are caught, and a daemon that is none survives', async ({ skip }) => {
  if (problem) skip(problem);
  const sound = await soundly(quick, signal);
  const outcomes = await Promise.all(
    [...quick, ...harmless].map(async mutant => {
      const { name, outcome, why } = await catchMutant(mutant, sound, signal);
      const [, kept] = /\(see (\/\S+)\)/.exec(why) ?? [];
      if (kept && outcome === 'survived') await rm(kept, { recursive: true });
      return [name, outcome];
    }),
  );
  expect(Object.fromEntries(outcomes)).toEqual({
    'ends-with-0-when-it-fails': 'caught',
    'takes-no-hops-in-udp': 'caught',
    harmless: 'survived',
  });
}, 100_000);

// Only ends that follow SIGTERM are judged by it.
import { expect, test } from 'vitest';
import { type Exit, exitProblems } from './exits.ts';

const well: Exit = { told: 5000, since: 1000, at: 5100, code: 0 };

test.each<[string, Partial<Exit>, readonly string[]]>([
  ['as specified', {}, []],
  ['at the last moment, seen late', { at: 8900 }, []],
  ['too late', { at: 10_200 }, ['took 5.2 s to end after SIGTERM; it may take 3 s']],
  ['with a failure', { code: 1 }, ['has ended with 1 after SIGTERM']],
  ['before it could run', { code: 143 }, []],
  ['killed', { code: 137 }, []],
  [
    'another runs already',
    { code: undefined, at: 10_200 },
    ['took 5.2 s to end after SIGTERM; it may take 3 s'],
  ],
  ['never told', { told: undefined, code: 1 }, []],
  ['a former one was told', { told: 500, at: 90_000, code: 1 }, []],
  ['told when it had ended', { told: 6000, code: 1 }, []],
])('%s', (_, change, expected) => {
  expect(exitProblems({ ...well, ...change })).toEqual(expected);
});

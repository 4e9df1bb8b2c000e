// Looks at reachability that came to the same are told once.
import { expect, test } from 'vitest';
import { matrix } from './example.ts';
import { runs } from './sweeps.ts';

test('neighbours that are the same become one run, and only neighbours', () => {
  const [good, bad] = [matrix(['a', 'b']), matrix(['a', 'b'], ['a b'])];
  const sweeps = [good, good, bad, good].map((each, at) => ({ at, matrix: each }));
  expect(runs(sweeps).map(({ first, last, count }) => [first, last, count])).toEqual([
    [0, 1, 2],
    [2, 2, 1],
    [3, 3, 1],
  ]);
});

// Medians, order of runs, and what a bench that cannot run gives.
import { expect, test } from 'vitest';
import { type Bench, compare, median, percentile, renderFigures } from './compare.ts';

test('median of odd and even numbers of values', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('percentiles by rank', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect(percentile(hundred, 95)).toBe(95);
  expect(percentile([3, 1, 2], 95)).toBe(3);
  expect(percentile([], 95)).toBeNaN();
});

function bench(values: number[], asked: string[], reason?: string): Bench {
  return {
    unit: 's',
    what: 'a test',
    unavailable: async () => reason,
    measure: async daemon => {
      asked.push(daemon);
      return values.shift() ?? 0;
    },
  };
}

test('ours and the peer take turns, and the first run of each does not count', async () => {
  const asked: string[] = [];
  const figure = await compare(bench([99, 99, 1, 2, 3, 6], asked), {
    runs: 2,
    peer: 'bin:/peer',
    progress: () => {},
    failed: () => {},
  });
  expect(asked).toEqual(['ts', 'bin:/peer', 'ts', 'bin:/peer', 'ts', 'bin:/peer']);
  expect(figure).toEqual({ unit: 's', ours: 2, peer: 4, ratio: 0.5, runs: 2 });
});

test('without a peer there is no ratio, and a bench that cannot run says why', async () => {
  const figure = await compare(bench([9, 1], []), {
    runs: 1,
    peer: undefined,
    progress: () => {},
    failed: () => {},
  });
  expect(figure).toEqual({ unit: 's', ours: 1, peer: null, ratio: null, runs: 1 });
  const said: string[] = [];
  const none = await compare(bench([], [], 'no engine'), {
    runs: 1,
    peer: undefined,
    progress: text => said.push(text),
    failed: () => {},
  });
  expect([none, said]).toEqual([undefined, ['skipped: no engine']]);
});

test('what a measurement tells is said with its run', async () => {
  const telling: Bench = {
    ...bench([], []),
    measure: async (daemon, tell) => {
      tell(`half of it lost by ${daemon}`);
      return 1;
    },
  };
  const said: string[] = [];
  await compare(telling, { runs: 1, peer: undefined, progress: text => said.push(text), failed: () => {} });
  expect(said.slice(2)).toEqual(['run 1, ts: half of it lost by ts', 'run 1, ts: 1.00 s']);
});

test('a measurement that fails costs itself alone, and is said', async () => {
  const values = [99, 99, 1, Number.NaN, 2, 8];
  const flaky: Bench = {
    ...bench([], []),
    measure: async () => {
      const value = values.shift() ?? 0;
      if (Number.isNaN(value)) throw new Error('no such luck');
      return value;
    },
  };
  const said: string[] = [];
  const figure = await compare(flaky, {
    runs: 2,
    peer: 'bin:/peer',
    progress: () => {},
    failed: text => said.push(text),
  });
  expect(figure).toEqual({ unit: 's', ours: 1.5, peer: 8, ratio: 0.1875, runs: 1 });
  expect(said).toContain('run 1, bin:/peer failed: no such luck');
});

test('a bench whose every measurement of one daemon failed has no figure, and says so', async () => {
  const broken = { ...bench([], []), measure: () => Promise.reject(new Error('no such luck')) };
  const said: string[] = [];
  expect(
    await compare(broken, { runs: 1, peer: undefined, progress: () => {}, failed: text => said.push(text) }),
  ).toBe(undefined);
  expect(said.at(-1)).toBe('no figure: every run of ts failed');
});

test('the table shows what is missing as a dash', () => {
  expect(renderFigures({ start: { unit: 'ms', ours: 90, peer: null, ratio: null, runs: 5 } })).toBe(
    ['BENCH  OURS      PEER  RATIO  RUNS', 'start  90.00 ms  -     -      5'].join('\n'),
  );
});

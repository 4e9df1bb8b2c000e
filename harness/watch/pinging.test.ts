// Counting probes between two moments.
import { expect, test } from 'vitest';
import { ProbeLog } from './outage.ts';
import { Pinging } from './pinging.ts';

test('what was lost is told by pair, with its time; what came before does not count', () => {
  const [lossy, clean] = [new ProbeLog('node1/a', 'node2/a'), new ProbeLog('node2/a', 'node1/a')];
  const sent = Array.from({ length: 10 }, (_, index) => [index + 1, 1000 + index * 10] as const);
  lossy.add({ sent, got: [1, 3, 4, 7, 8, 9], rewritten: [] });
  clean.add({ sent, got: sent.map(([number]) => number), rewritten: [] });
  expect(Pinging.count([lossy, clean], 1020, 1090)).toEqual({
    sent: 16,
    lost: 2,
    details: ['node1/a to node2/a: 2 of 8 (0.020 s after the start, for 0.020 s)'],
  });
  expect(Pinging.count([], 0, 1)).toEqual({ sent: 0, lost: 0, details: [] });
});

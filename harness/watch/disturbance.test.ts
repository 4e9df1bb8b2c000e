// What each disturbance cost, from happenings, outages and states.
import { expect, test } from 'vitest';
import type { Happening } from '../journal.ts';
import { disturbances, excuses } from './disturbance.ts';
import { recovery } from './invariants.ts';
import type { Outage } from './outage.ts';
import type { Span } from './spans.ts';

const happenings: readonly Happening[] = [
  { at: 900, kind: 'check', what: 'all pairs reachable' },
  { at: 1000, kind: 'fault', what: 'node1 is cut off', fault: 1 },
  { at: 3000, kind: 'healed', what: 'node1 is cut off', fault: 1 },
  { at: 5000, kind: 'act', what: 'node3 has joined' },
];
const outage = (begin: number, last: number, end: number | undefined, lost: number): Outage => ({
  from: 'node1/a',
  to: 'node2/a',
  begin,
  last,
  end,
  lost,
});
const state = (begin: number, end: number | undefined): Span => ({
  invariant: 'overlay-matches-leases',
  node: 'node1',
  what: 'node1 lacks a route',
  begin,
  end,
});

test('each has what was lost since then, when all were restored, and when the state settled', () => {
  const outages = [outage(1010, 3090, 3100, 208), outage(1020, 3040, 3050, 203)];
  const found = disturbances(happenings, outages, [state(5100, 5300), state(5200, 5250)], 9000);
  expect(found).toEqual([
    {
      kind: 'fault',
      what: 'node1 is cut off',
      at: 1000,
      lost: 411,
      firstLost: 1010,
      lastLost: 3000,
      settled: 1000,
    },
    {
      kind: 'healed',
      what: 'node1 is cut off',
      at: 3000,
      lost: 0,
      firstLost: 3000,
      lastLost: 3090,
      restored: 3100,
      settled: 3000,
    },
    { kind: 'act', what: 'node3 has joined', at: 5000, lost: 0, settled: 5300 },
  ]);
});

test('what never came back has no end', () => {
  const [, , last] = disturbances(
    happenings,
    [outage(6000, 8990, undefined, 300)],
    [state(7000, undefined)],
    9000,
  );
  expect(last).toEqual({
    kind: 'act',
    what: 'node3 has joined',
    at: 5000,
    lost: 300,
    firstLost: 6000,
    lastLost: 8990,
  });
});

test('a fault excuses until it is healed and for a while, an act for a while', () => {
  expect(excuses(happenings)).toEqual([
    { from: 1000, to: 3000 + recovery },
    { from: 3000, to: 3000 + recovery },
    { from: 5000, to: 5000 + recovery },
  ]);
  expect(excuses(happenings.slice(0, 2))).toEqual([{ from: 1000, to: Number.POSITIVE_INFINITY }]);
});

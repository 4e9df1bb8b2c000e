// The journal pairs the ends of faults, whatever happens in between.
import { expect, test } from 'vitest';
import { faultWindows, Journal, now } from './journal.ts';

test('each fault has a window of its own, open until it is healed', () => {
  const journal = new Journal();
  const first = journal.fault('etcd is paused');
  journal.note('act', 'node3 joined');
  const second = journal.fault('etcd is paused');
  first();
  first();
  const [one, two, ...more] = faultWindows(journal.happenings);
  expect(more).toEqual([]);
  expect(one).toMatchObject({ what: 'etcd is paused', to: expect.any(Number) });
  expect(two).toMatchObject({ what: 'etcd is paused', to: undefined });
  expect(journal.happenings.map(({ kind }) => kind)).toEqual(['fault', 'act', 'fault', 'healed']);
  const times = journal.happenings.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  second();
  expect(faultWindows(journal.happenings)[1]?.to).toBeGreaterThanOrEqual(two?.from ?? Number.NaN);
});

test('what was noticed later stands where it belongs', () => {
  const journal = new Journal();
  const before = now();
  journal.note('act', 'first');
  journal.note('violation', 'seen later', before);
  journal.note('check', 'last');
  expect(journal.happenings.map(({ what }) => what)).toEqual(['seen later', 'first', 'last']);
});

// When a daemon is ready, when it is no longer, and what it says of itself.
import { expect, test } from 'vitest';
import { fold, initialCondition, onOneClock, stuck, summary, troubles } from './condition.ts';
import type { Happening } from './happening.ts';

const margin = 3600;
const minute = 60_000;
const pass = (broken = false): Happening => ({
  kind: 'pass',
  seconds: 0.1,
  changes: 1,
  failures: 1,
  broken,
});
const lease = (expires: number): Happening => ({ kind: 'lease', subnet: '10.5.3.0/24', expires });
const etcd = (answers: boolean): Happening => ({ kind: 'etcd', answers });

/** The condition after what happened when, in milliseconds. */
function after(...happened: readonly (readonly [at: number, what: Happening])[]) {
  return happened.reduce((condition, [at, what]) => fold(condition, what, at), initialCondition(0));
}

const start = [
  [0, etcd(true)],
  [0, lease(1440 * minute)],
  [0, { kind: 'peers', count: 3 }],
  [0, pass()],
  [0, { kind: 'ready' }],
] as const;

test('a lease goes on while the host is suspended, and nothing else does', () => {
  const suspended = 1440 * minute;
  const found = troubles(onOneClock(after(...start), minute, minute + suspended), margin, minute);
  expect(found).toEqual(['the lease has expired']);
});

test('a daemon that does its work has no troubles, whatever single peers lack', () => {
  const condition = after(...start);
  expect(condition.ready).toBe(true);
  expect(troubles(condition, margin, minute)).toEqual([]);
  expect(summary(condition, margin, minute)).toBe('10.5.3.0/24, 3 peers');
});

test.each([
  ['the lease is not renewed', [1411 * minute, pass()], 1411, 'the lease expires in 1740 s'],
  ['the lease has expired', [1450 * minute, pass()], 1450, 'the lease has expired'],
  ['etcd stays away', [minute, etcd(false)], 7, 'etcd did not answer for 360 s'],
  ['the network cannot be programmed', [minute, pass(true)], 2.1, 'could not be programmed for 66 s'],
  ['no look at the kernel ends', [0, pass()], 2, 'the kernel was not looked at for 120 s'],
] as const)('it is no longer ready when %s', (_name, happened, at, text) => {
  const condition = after(...start, happened);
  expect(troubles(condition, margin, at * minute)).toContainEqual(expect.stringContaining(text));
  expect(summary(condition, margin, at * minute)).toContain(text);
});

test.each([
  ['a renewal is late', [1409 * minute, pass()], 1409],
  ['etcd was away for a moment', [minute, etcd(false)], 1.4],
  ['something broke a moment ago', [minute, pass(true)], 1.9],
  ['the last look was a while ago', [0, pass()], 1.4],
] as const)('it stays ready when %s', (_name, happened, at) =>
  expect(troubles(after(...start, happened), margin, at * minute)).toEqual([]),
);

test('what lasts is counted from its beginning', () => {
  const again = after(
    ...start,
    [0, etcd(false)],
    [0, pass(true)],
    [5 * minute, etcd(false)],
    [6 * minute, pass(true)],
  );
  expect(troubles(again, margin, 6 * minute)).toEqual([
    'the network could not be programmed for 360 s',
    'etcd did not answer for 360 s',
  ]);
});

test('it is ready again when that is over', () => {
  const condition = after(
    ...start,
    [minute, etcd(false)],
    [minute, pass(true)],
    [9 * minute, etcd(true)],
    [9 * minute, pass()],
    [9 * minute, lease(1449 * minute)],
  );
  expect(troubles(condition, margin, 9 * minute)).toEqual([]);
});

test('a reservation does not expire', () =>
  expect(troubles(after(...start, [0, lease(Infinity)], [1e12, pass()]), margin, 1e12)).toEqual([]));

test('only a daemon that looked at the kernel once can be stuck', () => {
  expect(stuck(after(), 10 * minute)).toBeUndefined();
  expect(stuck(after([0, pass()]), 10 * minute)).toContain('600 s');
});

test('while it starts it says what it waits for', () => {
  expect(summary(after(), margin, 1)).toBe('waiting for etcd');
  expect(summary(after([0, etcd(true)]), margin, 1)).toBe('waiting for a network configuration or a lease');
  expect(summary(after([0, etcd(true)], [0, lease(1e9)]), margin, 1)).toBe(
    '10.5.3.0/24, programming the network',
  );
  expect(summary(after(...start, [1, etcd(false)]), margin, 2)).toBe(
    '10.5.3.0/24, 3 peers, etcd does not answer',
  );
});

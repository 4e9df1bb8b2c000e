// Problems become violations when they stand too long outside of what excuses them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recovery } from './invariants.ts';
import { type Circumstances, type Span, Spans, violations } from './spans.ts';

const calm: Circumstances = { backend: 'vxlan', excuses: [], allowances: [], faults: [], until: 60_000 };
const overlay = (begin: number, end?: number): Span => ({
  invariant: 'overlay-matches-leases',
  node: 'node1',
  what: 'node1 lacks a route',
  begin,
  end,
});
const shared = (begin: number, end?: number): Span => ({
  invariant: 'unique-subnets',
  what: 'node1 and node2 use the same addresses',
  begin,
  end,
});

test('a problem stands from the moment at which it is seen to the one at which it is not', () => {
  const spans = new Spans();
  const [a, b] = [
    { invariant: 'one-subnet', node: 'node1', what: 'a' } as const,
    { invariant: 'one-subnet', node: 'node1', what: 'b' } as const,
  ];
  spans.update(1, [a]);
  spans.update(2, [a, b]);
  spans.update(3, [b]);
  spans.update(4, [a]);
  expect(spans.all).toEqual([
    { ...a, begin: 1, end: 3 },
    { ...b, begin: 2, end: 4 },
    { ...a, begin: 4, end: undefined },
  ]);
});

test('what settles in time is none, and what does not is, from its first moment', () => {
  expect(violations([overlay(1000, 5999)], calm)).toEqual([]);
  expect(violations([overlay(1000, 6000)], calm)).toEqual([
    {
      invariant: 'overlay-matches-leases',
      node: 'node1',
      what: 'node1 lacks a route',
      at: 1000,
      stood: 5000,
    },
  ]);
  expect(violations([overlay(1000)], calm)).toMatchObject([{ stood: 59_000 }]);
  // The file of subnet.env may not be half a file for a moment.
  const half: Span = { invariant: 'subnet-file-whole', node: 'node1', what: 'half', begin: 7, end: 7 };
  expect(violations([half], calm)).toMatchObject([{ at: 7, stood: 0 }]);
});

test('a handshake of wireguard may be lost once', () => {
  const cut = (end: number): Span => ({
    invariant: 'containers-reach-each-other',
    node: 'node1',
    what: 'node1/a does not reach node2/a',
    begin: 1000,
    end,
  });
  const found = (backend: string, end: number) => violations([cut(end)], { ...calm, backend }).length;
  expect(found('wireguard', 1000 + 8000)).toBe(0);
  expect(found('wireguard', 1000 + 11_000)).toBe(1);
  expect(found('vxlan', 1000 + 8000)).toBe(1);
});

test('a fault and the time after it excuse what is excusable, and nothing else', () => {
  const faults = [{ what: 'etcd is paused', from: 500, to: 2000 }];
  const excuses = [{ from: 500, to: 2000 + recovery }];
  const spans = [overlay(1000, 20_000), shared(1000, 20_000)];
  expect(violations(spans, { ...calm, faults, excuses })).toEqual([
    {
      invariant: 'unique-subnets',
      what: 'node1 and node2 use the same addresses',
      at: 1000,
      stood: 19_000,
      during: 'etcd is paused',
    },
  ]);
  // What stands on after that is counted from there.
  expect(violations([overlay(1000)], { ...calm, faults, excuses })).toMatchObject([{ at: 2000 + recovery }]);
});

test('what a scenario declares is told with its reason, and only as long as it is declared', () => {
  const allowances = [{ invariant: 'unique-subnets', why: 'a thief', from: 0, to: 10_000 } as const];
  expect(violations([shared(1000, 9000)], { ...calm, allowances })).toMatchObject([
    { at: 1000, allowed: 'a thief' },
  ]);
  const [late] = violations([shared(1000, 15_000)], { ...calm, allowances });
  expect(late).toMatchObject({ at: 10_000, stood: 5000 });
  expect(late).not.toHaveProperty('allowed');
  expect(violations([overlay(1000)], { ...calm, allowances })).toMatchObject([{ at: 1000 }]);
});

test('the same again is told once, and rather where nothing allows it', () => {
  const allowances = [{ invariant: 'unique-subnets', why: 'a thief', from: 0, to: 10_000 } as const];
  const found = violations([shared(1000, 9000), shared(20_000), shared(30_000)], { ...calm, allowances });
  expect(found).toMatchObject([{ at: 20_000 }]);
});

test('more excuses never make more violations', () => {
  const excuse = fc
    .tuple(fc.nat({ max: 60_000 }), fc.nat({ max: 20_000 }))
    .map(([from, length]) => ({ from, to: from + length }));
  const spans = [overlay(1000, 9000), overlay(20_000, 40_000), overlay(50_000)];
  fc.assert(
    fc.property(fc.array(excuse), fc.array(excuse), (some, more) => {
      const few = violations(spans, { ...calm, excuses: some });
      const fewer = violations(spans, { ...calm, excuses: [...some, ...more] });
      expect(fewer.length).toBeLessThanOrEqual(few.length);
      for (const { at, stood } of fewer) {
        expect(stood).toBeGreaterThanOrEqual(5000);
        const inside = [...some, ...more].some(({ from, to }) => from < at + stood && at < to);
        expect(inside).toBe(false);
      }
    }),
  );
});

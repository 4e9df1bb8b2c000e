// Renewals come in time and not all at once; waits grow and end growing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff, renewAfter } from './renewal.ts';

const day = { ttl: 86_400, margin: 3600 };
const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('a renewal', () => {
  test('B03: is due by the margin before the end, and up to a tenth earlier, as the dice have it', () => {
    expect(renewAfter(day, () => 0)).toBe(82_800);
    expect(renewAfter(day, () => 0.5)).toBeCloseTo(78_660);
    expect(renewAfter(day, () => 1)).toBeCloseTo(74_520);
  });

  test('B03: of nodes that start together is spread over the whole tenth', () => {
    const times = Array.from({ length: 1000 }, (_, n) => renewAfter(day, () => (n + 0.5) / 1000));
    const tenths = new Set(times.map(time => Math.floor((82_800 - time) / 828)));
    expect(tenths.size).toBe(10);
  });

  test('B05: is never due at once, whatever is left, and never later than the margin allows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ max: 200_000 }),
        dice,
        (ttl, margin, die) => {
          const after = renewAfter({ ttl, margin }, () => die);
          expect(after).toBeGreaterThanOrEqual(1);
          expect(after).toBeLessThanOrEqual(Math.max(1, ttl - margin));
        },
      ),
    );
  });
});

describe('the wait between attempts', () => {
  test('doubles up to the limit, and begins anew after a success', () => {
    const wait = backoff(500, 3000, () => 0);
    const next = () => wait.next();
    expect([next(), next(), next(), next(), next()]).toEqual([500, 1000, 2000, 3000, 3000]);
    wait.reset();
    expect(next()).toBe(500);
  });

  test('is shortened at random by up to a fifth', () =>
    fc.assert(
      fc.property(dice, die => {
        const first = backoff(500, 3000, () => die).next();
        expect(first).toBeGreaterThanOrEqual(400);
        expect(first).toBeLessThanOrEqual(500);
      }),
    ));
});

// SIGKILL at any moment of `lab verify` and `lab up`: gc removes what is left, and nothing of anybody else's.
import { expect, test } from 'vitest';
import type { DriverName } from '../drivers/driver.ts';
import { onEveryDriver } from '../vitest/platforms.ts';
import { killings, killMoments } from './killing.fixture.ts';

/** They take 5 s each: `npm run selftest -- kill` has 20 of both. */
const counts: Readonly<Record<DriverName, number>> = { netns: 10, docker: 6 };
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

onEveryDriver(({ name: driver }) => {
  test(`${counts[driver]} moments, SEED=${seed}`, { timeout: 180_000 }, async () => {
    const found = new Set<string>();
    const all = killings(driver, { seed, count: counts[driver] });
    let next = await all.next();
    for (; !next.done; next = await all.next()) {
      const { moment, found: there, left } = next.value;
      expect(left, `${moment.verb} killed after ${moment.after} ms`).toEqual([]);
      for (const what of there) found.add(what);
    }
    expect(next.value, 'harm done to the cluster of somebody else').toEqual([]);
    // Moments at which there was nothing would prove nothing.
    expect(found.size).toBeGreaterThan(1);
  });
});

test('moments are those of their seed, one in each part of the time', () => {
  const moments = killMoments(7, 20, 1000);
  expect(killMoments(7, 20, 1000)).toEqual(moments);
  expect(killMoments(8, 20, 1000)).not.toEqual(moments);
  expect(new Set(moments.map(({ verb }) => verb)).size).toBe(2);
  for (const [index, { after }] of moments.entries()) {
    expect(after).toBeGreaterThanOrEqual(index * 50);
    expect(after).toBeLessThanOrEqual(index * 50 + 50);
  }
});

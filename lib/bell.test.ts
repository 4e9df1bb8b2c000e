// A bell wakes its one waiter, remembers one ring, and gives way to signals.
import { expect, test } from 'vitest';
import { Bell, ringOn } from './bell.ts';

const never = new AbortController().signal;

test('a ring before the wait is heard at once, and only once however often it rang', async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  expect(await bell.heard(1000, never)).toBe(true);
  expect(await bell.heard(0, never)).toBe(false);
});

test('a ring during the wait ends it', async () => {
  const bell = new Bell();
  const heard = bell.heard(60_000, never);
  bell.ring();
  expect(await heard).toBe(true);
});

test('an abort ends the wait with its reason, and a delay beyond the range of timers does not fire at once', async () => {
  const stop = new AbortController();
  const heard = new Bell().heard(Number.MAX_SAFE_INTEGER, stop.signal);
  stop.abort(new Error('enough'));
  await expect(heard).rejects.toThrow('enough');
  await expect(new Bell().heard(0, stop.signal)).rejects.toThrow('enough');
});

test('a bell whose source failed is broken: the wait and every later one end with the error', async () => {
  const bell = new Bell();
  const heard = bell.heard(60_000, never);
  // biome-ignore lint/correctness/useYield: it breaks before its first item
  const source = async function* (): AsyncGenerator<never, void> {
    throw new Error('torn');
  };
  await ringOn(source(), bell);
  await expect(heard).rejects.toThrow('torn');
  await expect(bell.heard(0, never)).rejects.toThrow('torn');
});

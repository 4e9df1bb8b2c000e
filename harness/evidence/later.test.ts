// Slow and never are told apart, within the time there is.
import { expect, test } from 'vitest';
import { patienceFrom } from './check-failures.ts';
import { slowOrNever } from './later.ts';

const { signal } = new AbortController();

test('what passes later is slow, by the time since the check began', async () => {
  let looks = 0;
  const passes = async () => ++looks === 2;
  const started = performance.now() - 10_000;
  const later = await slowOrNever(passes, { patience: 5000, started, signal });
  expect(later).toMatch(/^slow \(converged after 10\.[5-9] s\)$/);
});

test('what does not pass is never, also when looking fails', async () => {
  const started = performance.now();
  const passes = () => Promise.reject(new Error('gone'));
  const later = await slowOrNever(passes, { patience: 20, started, signal });
  expect(later).toMatch(/^never \(not within 0(\.\d)? s\)$/);
});

test('without time nobody looks, and an end of the test is an end', async () => {
  const passes = () => Promise.reject(new Error('nobody should look'));
  expect(await slowOrNever(passes, { patience: -1, started: 0, signal })).toBeUndefined();
  const options = { patience: 60_000, started: performance.now(), signal: AbortSignal.timeout(20) };
  await expect(slowOrNever(passes, options)).rejects.toThrow('timeout');
});

test('how long is said in the environment, in seconds', () => {
  expect(patienceFrom({})).toBe(60_000);
  expect(patienceFrom({ SLOW_OR_NEVER: '2.5' })).toBe(2500);
  expect(patienceFrom({ SLOW_OR_NEVER: '0' })).toBe(0);
  expect(patienceFrom({ SLOW_OR_NEVER: 'soon' })).toBe(60_000);
});

// The log stays readable and its volume bounded while the same thing fails all the time.
import { expect, test } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { guardLog } from './log-guard.ts';

function guarded() {
  const lines: string[] = [];
  let time = 0;
  const log = createLogger({ write: line => void lines.push(line.slice(25)), level: 'debug' });
  return {
    lines,
    log: guardLog(log, { burst: 8, perSecond: 5, now: () => time }),
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

test('a burst passes, what is beyond it is counted and the count told', () => {
  const { lines, log, pass } = guarded();
  for (let n = 0; n < 20; n++) log.warn(`trouble ${n}`);
  expect(lines).toHaveLength(8);
  pass(400);
  log.info('better');
  pass(400);
  log.info('well');
  expect(lines.slice(8)).toEqual([
    'warn  log lines were left out, there were too many lines=13',
    'info  well',
  ]);
});

test('chatter leaves room for warnings, and debug lines always pass', () => {
  const { lines, log } = guarded();
  for (let n = 0; n < 20; n++) log.info('chatter');
  expect(lines).toHaveLength(6);
  log.debug('detail');
  expect(lines.at(-1)).toBe('debug detail');
});

test('in the long run there are no more lines than asked for', () => {
  const { lines, log, pass } = guarded();
  for (let n = 0; n < 10_000; n++) {
    log.error('trouble');
    pass(10);
  }
  expect(lines.length).toBeLessThanOrEqual(8 + 5 * 100);
  expect(lines.length).toBeGreaterThan(5 * 90);
});

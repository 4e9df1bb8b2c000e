// Budgets: what a daemon uses and prints over a stretch of time, and each excess told once.
import { expect, test } from 'vitest';
import { forbiddenLines } from './forbidden.ts';
import { type Budget, UsageBook } from './usage.ts';

const budget: Budget = { cpu: 0.5, rss: 100e6, files: 50, logLines: 5 };

test('processor time counts over five seconds, and not that of the first five', () => {
  const book = new UsageBook('node1', budget);
  // All of a processor for six seconds, then a tenth of one.
  const said = Array.from({ length: 40 }, (_, half) =>
    book.used(half * 500, half <= 12 ? half * 50 : 600 + (half - 12) * 5, 1000, 10),
  );
  expect(said.flat()).toEqual([]);
  expect(book.usage.peak.cpu).toBeLessThan(0.5);
  // Then all of one again.
  const late = Array.from({ length: 12 }, (_, half) =>
    book.used(20_000 + half * 500, 740 + half * 50, 1000, 10),
  );
  expect(late.flat()).toEqual([
    expect.stringMatching(
      /^the daemon of node1 used \d+ % of a processor for five seconds; its budget is 50 %$/,
    ),
  ]);
});

test('memory, files and log lines, each told once', () => {
  const book = new UsageBook('node1', budget);
  expect(book.used(0, 0, 30_000, 60)).toEqual([
    'the daemon of node1 uses 123 MB; its budget is 100 MB',
    'the daemon of node1 has 60 files open; its budget is 50',
  ]);
  expect(book.used(500, 0, 30_000, 60)).toEqual([]);
  expect(book.printed(1000, 50)).toEqual([]);
  expect(book.printed(2000, 1)).toEqual([
    'the daemon of node1 printed 5 lines a second for ten seconds; its budget is 5',
  ]);
  expect(book.usage).toEqual({
    node: 'node1',
    cpuSeconds: 0,
    logLines: 51,
    peak: { cpu: 0, rss: 30_000 * 4096, files: 60, logLines: 5.1 },
  });
});

test('a daemon that is started again begins at nothing, and its time is added', () => {
  const book = new UsageBook('node1', undefined);
  book.used(0, 300, 1, 1);
  book.newRun();
  book.used(500, 20, 1, 1);
  expect(book.usage.cpuSeconds).toBe(3.2);
});

test('forbidden lines are those of crashes, traces and secrets, unless they are allowed', () => {
  const bad = [
    'panic: close of closed channel',
    'goroutine 12 [running]:',
    'Error: unhandled rejection',
    '    at Object.run (/opt/flannel/main.js:10:12)',
    'TypeError: x is not a function',
    'PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=',
  ];
  const good = [
    '2026-11-23T03:28:49.334Z info  starting version=0.1.0',
    'warn  etcd does not answer error="connection refused at 192.168.77.1:2379"',
    'peer 10.5.1.0/24 publicKey=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=',
  ];
  expect(forbiddenLines([...bad, ...good], [])).toEqual(bad);
  expect(forbiddenLines(bad, [/panic/])).toEqual(bad.slice(1));
});

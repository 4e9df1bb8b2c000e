// Tests of what is said about etcd's state: little, and in plain words.
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { createHealth, messageOf } from './health.ts';
import { StoreError } from './lease-store.ts';

class Outage extends Error {}

function setUp() {
  const lines: string[] = [];
  const told: boolean[] = [];
  const log = createLogger({ write: line => lines.push(line.replace(/^\S+ /, '')) });
  const health = createHealth(
    log,
    error => error instanceof Outage,
    answers => told.push(answers),
  );
  const signal = new AbortController().signal;
  const fail = (error: Error) =>
    expect(health.observe(Promise.reject(error), signal)).rejects.toThrow(StoreError);
  return { lines, told, health, fail, answer: () => health.observe(Promise.resolve(1), signal) };
}

describe('the state of etcd', () => {
  test('is said once when it changes, however often it is asked', async () => {
    const { lines, told, fail, answer } = setUp();
    for (let times = 0; times < 3; times++) await answer();
    for (let times = 0; times < 3; times++) await fail(new Outage(`connect ECONNREFUSED :${times}`));
    for (let times = 0; times < 3; times++) await answer();
    expect(lines).toEqual([
      'warn  etcd does not answer, trying on error="connect ECONNREFUSED :0"',
      expect.stringMatching(/^info {2}etcd answers again after=/),
    ]);
    expect(told).toEqual([true, false, true]);
  });

  test('is said again when it is another trouble', async () => {
    const { lines, told, fail } = setUp();
    await fail(new Outage('connect ECONNREFUSED'));
    await fail(new Error('permission denied'));
    await fail(new Outage('certificate has expired'));
    await fail(new Outage('connect ECONNREFUSED'));
    expect(lines).toEqual([
      expect.stringContaining('does not answer'),
      expect.stringContaining('refuses a request'),
      expect.stringContaining('no secure connection'),
    ]);
    expect(told).toEqual([false]);
  });

  test('is not told by a request that was given up', async () => {
    const { lines, health } = setUp();
    const stop = new AbortController();
    const request = health.observe(new Promise(() => {}), stop.signal);
    stop.abort(new Error('enough'));
    await expect(request).rejects.toThrow('enough');
    expect(lines).toEqual([]);
  });
});

test.each([
  [
    '14 UNAVAILABLE: No connection established. Last error: Error: certificate has expired. Resolution note: ',
    'certificate has expired',
  ],
  [
    '14 UNAVAILABLE: No connection established. Last error: Failed to connect (2026-11-22T18:29:00.749Z). Resolution note: ',
    'Failed to connect',
  ],
  [
    '14 UNAVAILABLE: No connection established. Last error: 40AF:error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate:../deps/x.c:918:SSL alert number 42\n (2026-11-22T18:29:00.696Z). Resolution note: ',
    'ssl/tls alert bad certificate',
  ],
  [
    '4 DEADLINE_EXCEEDED: Deadline exceeded after 2.500s,LB pick: 0.001s,remote_addr=127.0.0.1:38381',
    'no answer within 2.500 s',
  ],
  [
    'https://a:1: unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    'https://a:1: unable to verify the first certificate',
  ],
  ['7 PERMISSION_DENIED: etcdserver: permission denied', 'etcdserver: permission denied'],
  ['http://a:1: socket hang up', 'http://a:1: socket hang up'],
])('%j is told as %j', (message, plain) => {
  expect(messageOf(new Error(message))).toBe(plain);
});

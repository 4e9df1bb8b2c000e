// What `ip -batch` and `bridge -batch` say of lines that fail, and processes that serve more than one batch.
import { describe, expect, test } from 'vitest';
import { Batch, readErrors } from './batch.ts';
import { spawnConversation } from './spawn.ts';

describe('errors of a batch', () => {
  test('are paired with their lines, which the process counts from its start', () => {
    const stderr =
      'Error: Nexthop has invalid gateway.\nCommand failed -:11\nCannot find device "x"\nCommand failed -:14\nObject "settled" is unknown, try "ip help".\nCommand failed -:15\n';
    expect(readErrors(stderr, false, 10)).toEqual({
      errors: [
        { line: 1, reason: 'Nexthop has invalid gateway' },
        { line: 4, reason: 'Cannot find device "x"' },
      ],
      aborted: undefined,
    });
  });

  test('that end it in the middle are told apart', () => {
    const stderr =
      'RTNETLINK answers: File exists\nCommand failed -:2\nRTNETLINK answers: No such file or directory\n';
    expect(readErrors(stderr, true)).toEqual({
      errors: [{ line: 2, reason: 'File exists' }],
      aborted: 'No such file or directory',
    });
    expect(readErrors('', true).aborted).toBe('it ended');
  });
});

/** Speaks as `ip -force -batch -` does; a line `die` ends it. */
const tool = `n=0; while read -r line; do n=$((n+1)); case $line in
  die) echo bad >&2; exit 1;; ok*) ;; *) echo "$$ does not know $line" >&2; echo "Command failed -:$n" >&2;; esac; done`;
const signal = AbortSignal.timeout(10_000);

function batchOf(): { batch: Batch; started: () => number } {
  let started = 0;
  const batch = new Batch('ip', () => {
    started++;
    return spawnConversation(['sh', '-c', tool]);
  });
  return { batch, started: () => started };
}

test('one process serves many batches, until one fails or it is retired', async () => {
  const { batch, started } = batchOf();
  for (let times = 0; times < 3; times++)
    expect(await batch.run(['ok 1', 'ok 2'], signal)).toEqual({ errors: [], aborted: undefined });
  expect(started()).toBe(1);
  expect((await batch.run(['ok', 'x'], signal)).errors).toMatchObject([{ line: 2 }]);
  expect((await batch.run(['x'], signal)).errors).toMatchObject([{ line: 1 }]);
  expect(started()).toBe(2);
  await batch.run(['ok'], signal);
  batch.retire();
  await batch.run(['ok'], signal);
  expect(started()).toBe(4);
});

test('one that ends in the middle says so, and the next batch goes to another', async () => {
  const { batch, started } = batchOf();
  expect(await batch.run(['ok', 'die', 'ok'], signal)).toEqual({ errors: [], aborted: 'bad' });
  expect(await batch.run(['ok'], signal)).toEqual({ errors: [], aborted: undefined });
  expect(started()).toBe(2);
});

test('a program that is not there is an error', async () => {
  const batch = new Batch('ip', () => spawnConversation(['no-such-program']));
  await expect(batch.run(['ok'], signal)).rejects.toThrow(/ENOENT/);
});

test('an abort ends it', async () => {
  const stop = new AbortController();
  const batch = new Batch('ip', () => spawnConversation(['sleep', '60']));
  const running = batch.run(['ok'], stop.signal);
  stop.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
});

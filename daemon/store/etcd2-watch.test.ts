// Tests of the cursor of etcd v2's long polls, on a client that answers by script.
import { describe, expect, test } from 'vitest';
import { type Answer, codes, type Node, Refused } from './etcd2-answer.ts';
import type { Etcd2Client } from './etcd2-client.ts';
import { pollChanges } from './etcd2-watch.ts';

const leaf = (modifiedIndex: number): Node => ({
  key: '/net/subnets/10.5.3.0-24',
  value: '',
  dir: false,
  modifiedIndex,
  createdIndex: modifiedIndex,
  ttl: undefined,
  expiration: undefined,
  nodes: [],
});
const quiet = (index: number): Answer => ({ index, action: undefined, node: undefined });
const change = (action: string, at: number, index = at): Answer => ({ index, action, node: leaf(at) });

/** Runs until the script is at its end; gives what was yielded, what was asked, and how it ended. */
async function run(polls: readonly (Answer | Error)[], witness: () => Answer = () => quiet(1)) {
  const stop = new AbortController();
  const script = [...polls];
  const asked: string[] = [];
  const client = {
    async getHere(key: string, query: string, signal: AbortSignal) {
      if (key === '/net/config') return witness();
      asked.push(/waitIndex=(\d+)/.exec(query)?.[1] ?? query);
      const next = script.shift();
      if (!next) stop.abort(new Error('the end'));
      signal.throwIfAborted();
      if (next instanceof Error) throw next;
      return next;
    },
  } as Partial<Etcd2Client> as Etcd2Client;
  const seen: [number, boolean][] = [];
  const ending = (async () => {
    const watched = { client, key: '/net/subnets', witness: '/net/config' };
    for await (const { node, removed } of pollChanges(watched, 10, stop.signal))
      seen.push([node.modifiedIndex, removed]);
  })().then(
    () => 'ended',
    (error: Error) => error.message,
  );
  return { end: await ending, seen, asked };
}

describe('the cursor', () => {
  test('goes on after each change', async () => {
    const { seen, asked } = await run([
      change('set', 12),
      change('create', 15),
      change('compareAndSwap', 16),
    ]);
    expect(asked).toEqual(['11', '13', '16', '17']);
    expect(seen).toEqual([
      [12, false],
      [15, false],
      [16, false],
    ]);
  });

  test.each(['delete', 'expire', 'compareAndDelete'])('%s is a removal', async action => {
    expect((await run([change(action, 12)])).seen).toEqual([[12, true]]);
  });

  test('moves with what happens elsewhere, which etcd would forget', async () => {
    expect((await run([quiet(500), quiet(1800), change('set', 1900)])).asked).toEqual([
      '11',
      '501',
      '1801',
      '1901',
    ]);
  });

  test('stays when a change from the past is behind etcd’s index', async () => {
    expect((await run([change('set', 12, 40), change('set', 13, 40)])).asked).toEqual(['11', '13', '14']);
  });
});

describe('a gap is an error', () => {
  test('when etcd forgot what happened', async () => {
    const cleared = new Refused(
      'The event in requested index is outdated and cleared',
      codes.indexCleared,
      2000,
    );
    expect((await run([cleared])).end).toMatch(/outdated/);
  });

  test('when etcd went back', async () => {
    expect((await run([quiet(5)])).end).toMatch(/went back to index 5 from 10/);
  });

  test('when no majority answers', async () => {
    const lonely = () => {
      throw new Error('no answer within 2.5 s');
    };
    expect((await run([quiet(10), change('set', 11)], lonely)).end).toMatch(/no answer/);
  });

  test('but not when there is no configuration', async () => {
    const missing = () => {
      throw new Refused('Key not found', codes.keyNotFound, 10);
    };
    expect((await run([quiet(10), change('set', 11)], missing)).seen).toEqual([[11, false]]);
  });
});

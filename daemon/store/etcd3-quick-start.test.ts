// When the quick client is asked, and when the whole one.
import { expect, test } from 'vitest';
import type { Etcd3Client, Etcd3Requests, WatchStream } from './etcd3-api.ts';
import { createQuickStart } from './etcd3-quick-start.ts';

const key = Buffer.from('key');
const found = { kvs: [], revision: 5 };

/** What was asked of whom, by two clients of which the first can fail. */
function clients() {
  const asked: string[] = [];
  const state = { fails: false };
  const first: Etcd3Requests = {
    async range() {
      asked.push('first range');
      if (state.fails) throw new Error('no gateway here');
      return found;
    },
    transact: () => expect.unreachable(),
    grant: () => expect.unreachable(),
    giveBack: () => expect.unreachable(),
    close: () => void asked.push('first close'),
  };
  const whole: Etcd3Client = {
    ...first,
    async range() {
      asked.push('whole range');
      return found;
    },
    watch: async () => {
      asked.push('whole watch');
      return {} as WatchStream;
    },
    isOutage: error => String(error).includes('outage'),
    close: () => void asked.push('whole close'),
  };
  const client = createQuickStart(first, async () => {
    asked.push('load');
    return whole;
  });
  return { client, asked, state };
}

test('requests go to the quick client, and nothing else is loaded for them', async () => {
  const { client, asked } = clients();
  expect(await client.range(key)).toBe(found);
  await client.range(key);
  client.close();
  expect(asked).toEqual(['first range', 'first range', 'first close']);
});

test('from the first watch on, everything goes to the whole client', async () => {
  const { client, asked } = clients();
  await client.range(key);
  await Promise.all([client.watch(), client.watch()]);
  await client.range(key);
  client.close();
  expect(asked).toEqual([
    'first range',
    'load',
    'first close',
    'whole watch',
    'whole watch',
    'whole range',
    'first close',
    'whole close',
  ]);
});

test('what the quick client cannot do is asked of the whole one, as is everything after it', async () => {
  const { client, asked, state } = clients();
  state.fails = true;
  expect(await client.range(key)).toBe(found);
  state.fails = false;
  await client.range(key);
  expect(asked).toEqual(['first range', 'load', 'first close', 'whole range', 'whole range']);
});

test('a request that the end of the client breaks off loads nothing', async () => {
  const { client, asked, state } = clients();
  state.fails = true;
  client.close();
  await expect(client.range(key)).rejects.toThrow('no gateway here');
  expect(asked).toEqual(['first close', 'first range']);
});

test('what counts as an outage is for the whole client to say, once there is one', async () => {
  const { client } = clients();
  expect(client.isOutage(new Error('refused'))).toBe(true);
  await client.watch();
  expect(client.isOutage(new Error('refused'))).toBe(false);
  expect(client.isOutage(new Error('outage'))).toBe(true);
});

// What the store makes of each kind of answer that etcd v3 gives to a watch, played by a stream in memory.
import { Readable } from 'node:stream';
import type { IWatchResponse } from 'etcd3';
import { expect, test } from 'vitest';
import { silent } from '../../lib/log.ts';
import type { Etcd3Client, WatchStream } from './etcd3-api.ts';
import { createEtcd3Store } from './etcd3-store.ts';
import type { LeaseEvent } from './lease-store.ts';

const at = (subnet: string) => Buffer.from(`/coreos.com/network/subnets/${subnet}`);
const value = Buffer.from('{"PublicIP":"192.168.7.2","BackendType":"host-gw"}');
const put = (subnet: string) => ({
  type: 'Put',
  kv: { key: at(subnet), value, mod_revision: '6', lease: '0' },
});
const removed = (subnet: string) => ({ type: 'Delete', kv: { key: at(subnet), mod_revision: '6' } });
const answer = (events: readonly object[], rest: object = {}) =>
  ({
    header: { revision: '6' },
    created: false,
    canceled: false,
    cancel_reason: '',
    compact_revision: '0',
    events,
    ...rest,
  }) as unknown as IWatchResponse;

/** An etcd without records, whose first watch answers this and ends, and whose later ones say nothing. */
function etcdThatAnswers(responses: readonly IWatchResponse[]): Etcd3Client {
  let watches = 0;
  return {
    range: async () => ({ kvs: [], revision: 5 }),
    transact: () => expect.unreachable(),
    grant: () => expect.unreachable(),
    giveBack: () => expect.unreachable(),
    isOutage: () => false,
    watch: async () => {
      const stream =
        watches++ === 0 ? Readable.from(responses) : new Readable({ objectMode: true, read() {} });
      const duplex = Object.assign(stream, { write: () => true, cancel: () => void stream.push(null) });
      return duplex as unknown as WatchStream;
    },
    close: () => {},
  };
}

/** What the store tells from its first reading up to the next one, which is made when the watch is over. */
async function toldUntilNextReading(responses: readonly IWatchResponse[]): Promise<string[]> {
  const store = createEtcd3Store(etcdThatAnswers(responses), '/coreos.com/network', silent);
  const stop = new AbortController();
  const told: string[] = [];
  for await (const event of store.watch(AbortSignal.any([stop.signal, AbortSignal.timeout(5000)]))) {
    told.push(textOf(event));
    if (told.length > 1 && event.kind === 'snapshot') break;
  }
  stop.abort();
  return told;
}

function textOf(event: LeaseEvent): string {
  if (event.kind === 'snapshot') return 'snapshot';
  return event.kind === 'put' ? `put ${event.lease.key}` : `gone ${event.key}`;
}

test('C06: answers without events are passed over, and of many events in one answer each is told', async () => {
  const created = answer([], { created: true });
  const progress = answer([]);
  const ten = Array.from({ length: 10 }, (_, n) => put(`10.5.${n}.0-24`));
  const mixed = [put('10.5.20.0-24'), removed('10.5.1.0-24'), put('10.5.21.0-24')];
  expect(await toldUntilNextReading([created, progress, answer(ten), progress, answer(mixed)])).toEqual([
    'snapshot',
    ...ten.map((_, n) => `put 10.5.${n}.0-24`),
    'put 10.5.20.0-24',
    'gone 10.5.1.0-24',
    'put 10.5.21.0-24',
    'snapshot',
  ]);
});

test.each([
  ['with a reason', { canceled: true, cancel_reason: 'no leader' }],
  ['without one', { canceled: true }],
  ['for a compaction', { canceled: true, compact_revision: '9' }],
])('C06: a watch that etcd cancels %s is followed by a new reading', async (_how, rest) =>
  expect(await toldUntilNextReading([answer([put('10.5.1.0-24')]), answer([], rest)])).toEqual([
    'snapshot',
    'put 10.5.1.0-24',
    'snapshot',
  ]),
);

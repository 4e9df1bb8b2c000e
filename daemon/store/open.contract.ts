// Which registry of a real etcd the daemon's options lead to, and what it says about that.
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Bell, ringOn } from '../../lib/bell.ts';
import { createLogger } from '../../lib/log.ts';
import { type EtcdFixture, etcdProgram, startEtcd } from './etcd.fixture.ts';
import { StoreError } from './lease-store.ts';
import { openStore, type StoreOptions } from './open.ts';
import { createV2Keys, type V2Keys } from './v2-keys.fixture.ts';

const signal = AbortSignal.timeout(120_000);
const key = '/net/config';

async function open(endpoint: string, etcdApi: StoreOptions['etcdApi']) {
  const lines: string[] = [];
  const files = { etcdCafile: '', etcdCertfile: '', etcdKeyfile: '', etcdUsername: '', etcdPassword: '' };
  const options = { ...files, etcdEndpoints: [endpoint], etcdPrefix: '/net', etcdApi };
  return { store: await openStore(options, createLogger({ write: line => lines.push(line) })), lines };
}

describe.skipIf(!etcdProgram)('a registry', () => {
  let etcd: EtcdFixture;
  let v3: Etcd3;
  let v2: V2Keys;
  beforeAll(async () => {
    etcd = await startEtcd();
    v3 = new Etcd3({ hosts: etcd.endpoint });
    v2 = createV2Keys(etcd.endpoint);
  });
  beforeEach(async () => {
    await v3.delete().key(key);
    await v2.delete(key);
  });
  afterAll(async () => {
    v3?.close();
    await etcd?.[Symbol.asyncDispose]();
  });

  test('is the one that was asked for', async () => {
    await v3.put(key).value('three');
    await v2.put(key, 'two');
    for (const [api, text] of [['3', 'three'] as const, ['2', 'two'] as const]) {
      const { store, lines } = await open(etcd.endpoint, api);
      expect(await store.config(signal)).toBe(text);
      expect(lines).toEqual([]);
      await store[Symbol.asyncDispose]();
    }
  });

  test.each(['three', 'two'])('is the one with the configuration: %s', async which => {
    const { store, lines } = await open(etcd.endpoint, 'auto');
    await using _ = store;
    expect(await store.config(signal)).toBeUndefined();
    const watching = new AbortController();
    const bell = new Bell();
    const pump = ringOn(store.watchConfig(watching.signal), bell);
    if (which === 'three') await v3.put(key).value('three');
    else await v2.put(key, 'two');
    let text: string | undefined;
    while (text === undefined) {
      expect(await bell.heard(5000, signal)).toBe(true);
      text = await store.config(signal);
    }
    expect(text).toBe(which);
    expect(lines).toEqual([expect.stringMatching(which === 'three' ? /using etcd v3/ : /using etcd v2/)]);
    watching.abort();
    await pump;
  });

  test('is v2 of an etcd that is too old for v3', async () => {
    await v2.put(key, 'two');
    await using old = await oldEtcd(etcd.endpoint);
    const { store, lines } = await open(old.endpoint, 'auto');
    await using _ = store;
    expect(await store.config(signal)).toBe('two');
    expect(lines.at(-1)).toMatch(/using etcd v2 because="this etcd has no v3"/);
  });

  test('of v2 is waited for where etcd does not offer it', async () => {
    await using modern = await startEtcd({ flags: { 'enable-v2': 'false' } });
    const { store, lines } = await open(modern.endpoint, '2');
    await using _ = store;
    for (let times = 0; times < 3; times++) await expect(store.config(signal)).rejects.toThrow(StoreError);
    expect(lines).toEqual([expect.stringMatching(/does not offer the v2 API .*--enable-v2.*-etcd-api=3/)]);
    const auto = await open(modern.endpoint, 'auto');
    expect(await auto.store.config(signal)).toBeUndefined();
    expect(auto.lines).toEqual([]);
    await auto.store[Symbol.asyncDispose]();
  });
});

/** Passes HTTP/1 on and nothing else, and says that it is an etcd of version 2. */
async function oldEtcd(endpoint: string) {
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/version') return outgoing.end('{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}');
    const { method = 'GET', url = '/', headers } = incoming;
    if (url.startsWith('/v3/')) return outgoing.writeHead(404).end('404 page not found');
    const onward = request(endpoint + url, { method, headers }, answer => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    return incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

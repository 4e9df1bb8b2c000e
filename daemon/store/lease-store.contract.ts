// What every lease store promises: one suite for the registry in memory and for a real etcd.
import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { createLogger } from '../../lib/log.ts';
import { until } from '../../lib/wait.ts';
import type { LeaseTerms } from '../model/lease.ts';
import { encodeValue } from '../model/lease-codec.ts';
import { emptyView, fold, type LeaseView } from '../model/lease-view.ts';
import { etcdProgram, startEtcd } from './etcd.fixture.ts';
import { createEtcdClient } from './etcd3-client.ts';
import { createEtcd3Store } from './etcd3-store.ts';
import { type LeaseStore, StoreError } from './lease-store.ts';
import { MemoryRegistry } from './memory-registry.ts';
import { createMemoryStore } from './memory-store.ts';

/** A registry and the means to do to it what others do. */
interface Bench extends AsyncDisposable {
  /** A new connection. */
  store(write?: (line: string) => void): LeaseStore;
  /** Writes the key `subnets/<key>`, without a time to live. */
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  putConfig(text: string): Promise<void>;
  /** Interrupts all watches; `during` happens before they can resume, and its history is lost. */
  gap(during: () => Promise<void>): Promise<void>;
  /** Makes the registry unreachable until the handle is released. */
  outage(): Promise<AsyncDisposable>;
  clear(): Promise<void>;
}

const signal = AbortSignal.timeout(60_000);
const subnet = (text: string) => ({ 4: parseCidr(text) ?? expect.unreachable() });
const termsOf = (ip: string, data: Record<string, string | number> = { VNI: 1 }): LeaseTerms => ({
  publicIps: { 4: ip },
  backendType: 'vxlan',
  backendData: { 4: data },
});
const one = termsOf('192.168.7.1');
const two = termsOf('192.168.7.2');

describe('memory', () => promises(memoryBench));
describe.skipIf(!etcdProgram)('etcd v3', () => promises(etcdBench));

function promises(start: () => Promise<Bench>): void {
  let bench: Bench;
  let store: LeaseStore;
  beforeAll(async () => {
    bench = await start();
    store = bench.store();
  });
  afterAll(async () => {
    await store?.[Symbol.asyncDispose]();
    await bench?.[Symbol.asyncDispose]();
  });
  const fresh = (name: string, run: () => Promise<void>) =>
    test(name, async () => {
      await bench.clear();
      await run();
    });

  fresh('a claim on a free subnet is won and listed', async () => {
    const claim = await store.claim(subnet('10.5.3.0/24'), one, 60, signal);
    expect(claim).toMatchObject({ won: true, ttl: 60, lease: { key: '10.5.3.0-24', ...one } });
    const { leases, unreadable } = await store.list(signal);
    expect(unreadable).toEqual([]);
    expect(leases).toEqual([claim.won && claim.lease]);
    expect(await store.get('10.5.3.0-24', signal)).toEqual(claim.won && claim.lease);
    expect(leases[0]?.grant).toBeTypeOf('string');
  });

  fresh('a claim on a taken subnet is lost, and names its holder', async () => {
    await store.claim(subnet('10.5.3.0/24'), one, 60, signal);
    const claim = await store.claim(subnet('10.5.3.0/24'), two, 60, signal);
    expect(claim).toMatchObject({ won: false, holder: one });
    expect(await store.get('10.5.3.0-24', signal)).toMatchObject(one);
  });

  fresh('of many claims at once exactly one is won', async () => {
    const rivals = Array.from({ length: 8 }, (_, at) => termsOf(`192.168.7.${at + 1}`));
    const claims = await Promise.all(
      rivals.map(terms => store.claim(subnet('10.5.3.0/24'), terms, 60, signal)),
    );
    expect(claims.filter(({ won }) => won)).toHaveLength(1);
  });

  fresh('a renewal keeps the record and moves its revision', async () => {
    const first = await store.claim(subnet('10.5.3.0/24'), one, 60, signal);
    if (!first.won) return expect.unreachable();
    const changed = termsOf('192.168.7.1', { VNI: 2 });
    const second = await store.renew(first.lease, changed, 90, signal);
    expect(second).toMatchObject({ won: true, ttl: 90, lease: changed });
    expect(second.won && second.lease.revision).toBeGreaterThan(first.lease.revision);
  });

  fresh('a renewal of what someone else has written since is lost and changes nothing', async () => {
    const first = await store.claim(subnet('10.5.3.0/24'), one, 60, signal);
    if (!first.won) return expect.unreachable();
    await bench.put('10.5.3.0-24', encodeValue(two));
    expect(await store.renew(first.lease, one, 60, signal)).toMatchObject({ won: false, holder: two });
    expect(await store.get('10.5.3.0-24', signal)).toMatchObject(two);
  });

  fresh('a renewal of what is gone is lost, and has no holder', async () => {
    const first = await store.claim(subnet('10.5.3.0/24'), one, 60, signal);
    if (!first.won) return expect.unreachable();
    await bench.delete('10.5.3.0-24');
    expect(await store.renew(first.lease, one, 60, signal)).toEqual({ won: false, holder: undefined });
    expect(await store.get('10.5.3.0-24', signal)).toBeUndefined();
  });

  fresh('a claim that replaces a former lease does both or neither', async () => {
    const first = await store.claim(subnet('10.5.3.0/24'), one, 60, signal);
    if (!first.won) return expect.unreachable();
    const six = parseCidr('fd00:5:0:3::/64');
    const both = { ...subnet('10.5.3.0/24'), 6: six };
    const dual = { ...one, publicIps: { 4: '192.168.7.1', 6: 'fd00:7::1' } };
    const second = await store.claim(both, dual, 60, signal, first.lease);
    expect(second).toMatchObject({ won: true, lease: { key: '10.5.3.0-24&fd00:5:0:3::-64', ...dual } });
    expect((await store.list(signal)).leases).toEqual([second.won && second.lease]);
    // What it would replace is not there any more.
    expect(await store.claim(subnet('10.5.4.0/24'), one, 60, signal, first.lease)).toMatchObject({
      won: false,
    });
    expect((await store.list(signal)).leases).toHaveLength(1);
  });

  fresh('a reservation that is replaced is followed by one', async () => {
    await bench.put('10.5.3.0-24', encodeValue(one));
    const [former] = (await store.list(signal)).leases;
    const claim = await store.claim(subnet('10.5.4.0/24'), one, 60, signal, former);
    expect(claim).toMatchObject({ won: true, ttl: Infinity, lease: { grant: undefined } });
  });

  fresh('a reservation stays without a time to live', async () => {
    await bench.put('10.5.3.0-24', encodeValue(two));
    const [lease] = (await store.list(signal)).leases;
    expect(lease?.grant).toBeUndefined();
    if (!lease) return;
    const claim = await store.renew(lease, one, 60, signal);
    expect(claim).toMatchObject({ won: true, ttl: Infinity, lease: { grant: undefined } });
    expect((await store.get('10.5.3.0-24', signal))?.grant).toBeUndefined();
  });

  fresh('only what nobody has written since is removed', async () => {
    const first = await store.claim(subnet('10.5.3.0/24'), one, 60, signal);
    if (!first.won) return expect.unreachable();
    const second = await store.renew(first.lease, one, 60, signal);
    if (!second.won) return expect.unreachable();
    expect(await store.remove(first.lease, signal)).toBe(false);
    expect(await store.remove(second.lease, signal)).toBe(true);
    expect((await store.list(signal)).leases).toEqual([]);
  });

  fresh('records that cannot be read are listed apart, with their subnet when the key tells it', async () => {
    await bench.put('10.5.3.0-24', 'not json');
    await bench.put('foo', '{}');
    await bench.put('10.5.4.0-24/extra', encodeValue(one));
    await store.claim(subnet('10.5.5.0/24'), one, 60, signal);
    const { leases, unreadable } = await store.list(signal);
    expect(leases.map(({ key }) => key)).toEqual(['10.5.5.0-24']);
    expect(unreadable.map(({ key, subnets }) => [key, subnets[4]?.length])).toEqual([
      ['10.5.3.0-24', 24],
      ['10.5.4.0-24/extra', undefined],
      ['foo', undefined],
    ]);
    expect(await store.claim(subnet('10.5.3.0/24'), one, 60, signal)).toEqual({
      won: false,
      holder: undefined,
    });
  });

  fresh('each unreadable record is complained about once', async () => {
    const lines: string[] = [];
    await using loud = bench.store(line => lines.push(line));
    await bench.put('10.5.3.0-24', '{"PublicIP":5}');
    for (let times = 0; times < 3; times++) await loud.list(signal);
    expect(lines.filter(line => line.includes('10.5.3.0-24') && line.includes('PublicIP'))).toHaveLength(1);
  });

  fresh('a watch starts with a snapshot and goes on with each change', async () => {
    await store.claim(subnet('10.5.3.0/24'), one, 60, signal);
    await using seen = follow(store);
    await seen.until('the snapshot', view => view.has('10.5.3.0-24'));
    await bench.put('10.5.4.0-24', encodeValue(two));
    await seen.until('a new lease', view => view.has('10.5.4.0-24'));
    await bench.put('10.5.4.0-24', encodeValue(termsOf('192.168.7.2', { VNI: 9 })));
    await seen.until(
      'changed terms',
      view => JSON.stringify(view.get('10.5.4.0-24')?.backendData) === '{"4":{"VNI":9}}',
    );
    await bench.delete('10.5.3.0-24');
    await seen.until('a removal', view => !view.has('10.5.3.0-24'));
    expect(seen.snapshots).toBe(1);
  });

  fresh('nothing is lost of many changes at once', async () => {
    await using seen = follow(store);
    await seen.until('the snapshot', () => true);
    const keys = Array.from({ length: 60 }, (_, at) => `10.5.${at}.0-24`);
    await Promise.all(keys.map(key => bench.put(key, encodeValue(two))));
    await seen.until('all of them', view => keys.every(key => view.has(key)));
    await Promise.all(keys.slice(10).map(key => bench.delete(key)));
    await seen.until('the rest', view => view.size === 10);
  });

  fresh('a record that cannot be read disturbs no other', async () => {
    await using seen = follow(store);
    await bench.put('10.5.3.0-24', encodeValue(one));
    await seen.until('the lease', view => view.has('10.5.3.0-24'));
    for (const value of ['not json', '', 'null', '[]', '{"PublicIP":"x"}'])
      await bench.put('10.5.9.0-24', value);
    for (const key of ['foo', '10.5.999.0-24', '10.5.9.0-33', '10.5.8.0-24x'])
      await bench.put(key, encodeValue(two));
    await bench.put('10.5.3.0-24', 'garbage in place of a good record');
    await bench.delete('10.5.9.0-24');
    await bench.put('10.5.4.0-24', encodeValue(two));
    await seen.until('what came after', view => view.has('10.5.4.0-24'));
    expect([...seen.view.keys()]).toEqual(['10.5.3.0-24', '10.5.4.0-24']);
    expect(seen.view.get('10.5.3.0-24')).toMatchObject(one);
  });

  fresh('after a gap comes a snapshot, with what changed and without what went', async () => {
    await bench.put('10.5.3.0-24', encodeValue(one));
    await bench.put('10.5.4.0-24', encodeValue(two));
    await using seen = follow(store);
    await seen.until('both', view => view.size === 2);
    const moved = termsOf('192.168.7.9', { VNI: 7 });
    await bench.gap(async () => {
      await bench.put('10.5.3.0-24', encodeValue(moved));
      await bench.delete('10.5.4.0-24');
    });
    await seen.until(
      'what is there now',
      view => view.size === 1 && view.get('10.5.3.0-24')?.publicIps[4] === moved.publicIps[4],
    );
    expect(seen.snapshots).toBeGreaterThan(1);
    await bench.put('10.5.6.0-24', encodeValue(two));
    await seen.until('what comes later', view => view.has('10.5.6.0-24'));
  });

  fresh('an outage fails calls with StoreError, and watches wait it out', async () => {
    await using seen = follow(store);
    await seen.until('the snapshot', () => true);
    {
      await using _outage = await bench.outage();
      await expect(store.list(signal)).rejects.toThrow(StoreError);
      await expect(store.claim(subnet('10.5.3.0/24'), one, 60, signal)).rejects.toThrow(StoreError);
    }
    await until(async () => (await store.claim(subnet('10.5.3.0/24'), one, 60, signal)) && true, {
      what: 'the registry to answer again',
      timeout: 15_000,
    });
    await seen.until('the new lease', view => view.has('10.5.3.0-24'));
  });

  fresh('the configuration is read, and its changes are announced', async () => {
    const stop = new AbortController();
    let rings = 0;
    const pump = (async () => {
      for await (const _ of store.watchConfig(stop.signal)) rings++;
    })();
    await until(async () => (rings > 0 ? true : undefined), { what: 'the first ring', timeout: 5000 });
    const before = rings;
    await bench.putConfig('{"Network":"10.5.0.0/16"}');
    await until(async () => (rings > before ? true : undefined), {
      what: 'a ring after the change',
      timeout: 5000,
    });
    expect(await store.config(signal)).toBe('{"Network":"10.5.0.0/16"}');
    stop.abort();
    await pump;
  });

  fresh('an aborted call rejects with the reason, and an aborted watch ends', async () => {
    const stop = new AbortController();
    const watch = store.watch(stop.signal)[Symbol.asyncIterator]();
    expect(await watch.next()).toMatchObject({ value: { kind: 'snapshot' } });
    const next = watch.next();
    stop.abort(new Error('enough'));
    expect(await next).toMatchObject({ done: true });
    await expect(store.list(stop.signal)).rejects.toThrow('enough');
  });
}

/** Folds a watch into a view that can be waited for. */
function follow(store: LeaseStore) {
  const stop = new AbortController();
  const state = { view: emptyView as LeaseView, snapshots: 0, started: false };
  const pump = (async () => {
    for await (const event of store.watch(stop.signal)) {
      state.view = fold(state.view, event);
      state.started = true;
      if (event.kind === 'snapshot') state.snapshots++;
    }
  })();
  return {
    get view() {
      return state.view;
    },
    get snapshots() {
      return state.snapshots;
    },
    until: (what: string, holds: (view: LeaseView) => boolean) =>
      until(async () => (state.started && holds(state.view) ? true : undefined), {
        what,
        timeout: 15_000,
        interval: 10,
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await pump;
    },
  };
}

async function memoryBench(): Promise<Bench> {
  const registry = new MemoryRegistry();
  const put = async (key: string, value: string) => void registry.put(key, value);
  return {
    store: write => createMemoryStore(registry, write && createLogger({ write })),
    put,
    delete: async key => registry.delete(key),
    putConfig: async text => registry.putConfig(text),
    async gap(during) {
      registry.setReachable(false);
      await during();
      registry.compact();
      registry.setReachable(true);
    },
    async outage() {
      registry.setReachable(false);
      return { [Symbol.asyncDispose]: async () => registry.setReachable(true) };
    },
    clear: async () => {
      for (const [key] of registry.rows()) registry.delete(key);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function etcdBench(): Promise<Bench> {
  const etcd = await startEtcd();
  const raw = new Etcd3({ hosts: etcd.endpoint });
  const prefix = '/coreos.com/network';
  const at = (key: string) => `${prefix}/subnets/${key}`;
  const clear = async () => void (await raw.delete().prefix(`${prefix}/`));
  return {
    store: (write = () => {}) =>
      createEtcd3Store(
        createEtcdClient({ endpoints: [etcd.endpoint] }),
        `${prefix}/`,
        createLogger({ write }),
      ),
    put: async (key, value) => void (await raw.put(at(key)).value(value)),
    delete: async key => void (await raw.delete().key(at(key))),
    putConfig: async text => void (await raw.put(`${prefix}/config`).value(text)),
    async gap(during) {
      await etcd.restart();
      await during();
      const { header } = await raw.kv.range({ key: Buffer.from('x') });
      await raw.kv.compact({ revision: header.revision });
    },
    async outage() {
      await etcd.stop();
      return { [Symbol.asyncDispose]: () => etcd.start() };
    },
    clear,
    async [Symbol.asyncDispose]() {
      raw.close();
      await etcd[Symbol.asyncDispose]();
    },
  };
}

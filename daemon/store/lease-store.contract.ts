// What every lease store promises: one suite for the registry in memory and for a real etcd.
import { array, assert, asyncProperty, constant, constantFrom, oneof, record } from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { until } from '../../lib/wait.ts';
import type { Lease, LeaseTerms } from '../model/lease.ts';
import { encodeValue } from '../model/lease-codec.ts';
import { type Bench, etcd2Bench, etcd3Bench, gatewayBench, memoryBench } from './benches.fixture.ts';
import { etcdProgram } from './etcd.fixture.ts';
import { follow } from './follow.fixture.ts';
import { type LeaseStore, StoreError } from './lease-store.ts';

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
describe.skipIf(!etcdProgram)('etcd v3', () => promises(etcd3Bench));
describe.skipIf(!etcdProgram)('etcd v3 through its gateway', () => promises(gatewayBench));
describe.skipIf(!etcdProgram)('etcd v2', () => promises(etcd2Bench));

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
    expect(second.won && second.lease.created).toBe(first.lease.created);
    expect((await store.list(signal)).leases).toEqual([second.won && second.lease]);
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
    expect(second.won && second.lease.created).toBeGreaterThan(first.lease.created);
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
    await bench.put('extra/10.5.4.0-24', encodeValue(one));
    await store.claim(subnet('10.5.5.0/24'), one, 60, signal);
    const { leases, unreadable } = await store.list(signal);
    expect(leases.map(({ key }) => key)).toEqual(['10.5.5.0-24']);
    expect(unreadable.map(({ key, subnets }) => [key, subnets[4]?.length])).toEqual([
      ['10.5.3.0-24', 24],
      ['extra/10.5.4.0-24', undefined],
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

  fresh('a watch goes on from a listing: what happened since is told, nothing is read again', async () => {
    await bench.put('10.5.4.0-24', encodeValue(two));
    await bench.put('10.5.3.0-24', encodeValue(one));
    const known = await store.list(signal);
    await bench.put('10.5.5.0-24', encodeValue(two));
    await bench.delete('10.5.3.0-24');
    await using seen = follow(store, {
      ...known,
      leases: known.leases.filter(({ key }) => key !== '10.5.4.0-24'),
    });
    await seen.until(
      'the change and the removal',
      view => view.has('10.5.5.0-24') && !view.has('10.5.3.0-24'),
    );
    expect(seen.view.has('10.5.4.0-24'), 'is in the registry, not in the listing').toBe(false);
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

  fresh('what ran out is gone, and its subnet is free', async () => {
    await using seen = follow(store);
    await store.claim(subnet('10.5.3.0/24'), one, 2, signal);
    await seen.until('the lease', view => view.has('10.5.3.0-24'));
    await bench.elapse(3);
    await seen.until('its end', view => !view.has('10.5.3.0-24'));
    expect(await store.claim(subnet('10.5.3.0/24'), two, 60, signal)).toMatchObject({ won: true });
  });

  fresh('a removal is seen, and the subnet is free', async () => {
    await using seen = follow(store);
    await bench.put('10.5.3.0-24', encodeValue(one));
    await seen.until('the lease', view => view.has('10.5.3.0-24'));
    const [lease] = (await store.list(signal)).leases;
    expect(lease && (await store.remove(lease, signal))).toBe(true);
    expect(await store.claim(subnet('10.5.3.0/24'), two, 60, signal)).toMatchObject({ won: true });
    await seen.until('the new one', view => view.get('10.5.3.0-24')?.publicIps[4] === two.publicIps[4]);
  });

  fresh('records of any size and number are listed', async () => {
    const keys = Array.from({ length: 200 }, (_, at) => `10.5.${at}.0-24`);
    await Promise.all(keys.map(key => bench.put(key, encodeValue(two))));
    for (let at = 0; at < 6; at++) await bench.put(`big${at}`, 'x'.repeat(1_000_000));
    const { leases, unreadable } = await store.list(signal);
    expect([leases.length, unreadable.length]).toEqual([200, 6]);
    await using seen = follow(store);
    await seen.until('all leases', view => view.size === 200);
  });

  fresh('history that is forgotten disturbs nobody who is connected', async () => {
    await using seen = follow(store);
    await bench.put('10.5.3.0-24', encodeValue(one));
    await seen.until('the lease', view => view.has('10.5.3.0-24'));
    await bench.compact();
    await bench.put('10.5.4.0-24', encodeValue(two));
    await seen.until('the next lease', view => view.has('10.5.4.0-24'));
    expect(seen.snapshots).toBe(1);
  });

  fresh('any schedule of writes ends in a view that is equal to the list', async () => {
    await using seen = follow(store);
    let round = 0;
    const ending = async (steps: readonly Step[]) => {
      await bench.clear();
      for (const step of steps) await take(bench, step);
      const last = termsOf('192.168.7.9', { VNI: ++round });
      await bench.put('10.6.0.0-24', encodeValue(last));
      await seen.until('the end', view =>
        JSON.stringify(view.get('10.6.0.0-24')?.backendData).includes(`:${round}}`),
      );
      const { leases, unreadable } = await store.list(signal);
      // What can no longer be read is kept as it was.
      const kept = new Set(unreadable.map(({ key }) => key));
      expect([...seen.view.values()].filter(({ key }) => !kept.has(key)).sort(byKey)).toEqual(leases);
    };
    await assert(asyncProperty(array(anyStep, { maxLength: 20 }), ending), { numRuns: 6 });
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

type Step = { readonly key: string } & ({ readonly value: string | undefined } | { readonly forget: true });

const anyStep = oneof(
  {
    weight: 5,
    arbitrary: record({ key: anyKey(), value: constantFrom(encodeValue(one), encodeValue(two)) }),
  },
  { weight: 3, arbitrary: record({ key: anyKey(), value: constant(undefined) }) },
  { weight: 2, arbitrary: record({ key: anyKey(), value: constantFrom('', 'null', '{"PublicIP":7}') }) },
  { weight: 1, arbitrary: record({ key: constant(''), forget: constant(true as const) }) },
);

function anyKey() {
  return constantFrom('10.5.1.0-24', '10.5.2.0-24', '10.5.3.0-24', '10.5.4.0-24', 'foo', '10.5.999.0-24');
}

async function take(bench: Bench, step: Step): Promise<void> {
  if ('forget' in step) await bench.compact();
  else if (step.value === undefined) await bench.delete(step.key);
  else await bench.put(step.key, step.value);
}

function byKey(a: Lease, b: Lease): number {
  return a.key < b.key ? -1 : 1;
}

// What the stores on etcd do when endpoints die, fall silent, lose answers, lose their leader or their memory.
import { Etcd3 } from 'etcd3';
import { describe, expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { createLogger } from '../../lib/log.ts';
import { until } from '../../lib/wait.ts';
import type { LeaseTerms } from '../model/lease.ts';
import { encodeValue } from '../model/lease-codec.ts';
import { etcdProgram, startCluster, startEtcd } from './etcd.fixture.ts';
import { createEtcd2Client } from './etcd2-client.ts';
import { createEtcd2Store } from './etcd2-store.ts';
import { createEtcd3Client } from './etcd3-client.ts';
import { createEtcd3Store } from './etcd3-store.ts';
import { follow } from './follow.fixture.ts';
import type { LeaseStore } from './lease-store.ts';
import { startProxy } from './proxy.fixture.ts';
import { createV2Keys } from './v2-keys.fixture.ts';

const prefix = '/coreos.com/network';
const signal = AbortSignal.timeout(300_000);
const network = '{"Network":"10.5.0.0/16"}';
const subnet = { 4: parseCidr('10.5.3.0/24') ?? expect.unreachable() };
const terms: LeaseTerms = {
  publicIps: { 4: '192.168.7.1' },
  backendType: 'host-gw',
  backendData: {},
};

interface Api {
  open(endpoints: readonly string[], write?: (line: string) => void): LeaseStore;
  /** Writes a full key as another client. */
  put(endpoint: string, key: string, value: string): Promise<void>;
}

const v3: Api = {
  open: (endpoints, write = () => {}) =>
    createEtcd3Store(createEtcd3Client(endpoints, {}), prefix, createLogger({ write })),
  async put(endpoint, key, value) {
    const raw = new Etcd3({ hosts: endpoint });
    await raw.put(key).value(value);
    raw.close();
  },
};
const v2: Api = {
  open: (endpoints, write = () => {}) =>
    createEtcd2Store(createEtcd2Client(endpoints, {}), prefix, createLogger({ write })),
  put: (endpoint, key, value) => createV2Keys(endpoint).put(key, value),
};

const leaseAt = (key: string) => `${prefix}/subnets/${key}`;
const seconds = (started: number) => (performance.now() - started) / 1000;

describe.skipIf(!etcdProgram)('etcd v3', () => survives(v3));
describe.skipIf(!etcdProgram)('etcd v2', () => survives(v2));

function survives({ open, put }: Api): void {
  /** A watch that is known to hear of changes. */
  async function following(store: LeaseStore, endpoint: string) {
    const seen = follow(store);
    await seen.until('the snapshot', () => true);
    await put(endpoint, leaseAt('10.5.7.0-24'), encodeValue(terms));
    await seen.until('a change', view => view.has('10.5.7.0-24'));
    return seen;
  }

  test.each([
    ['first', [0, 1, 2]],
    ['in the middle', [1, 0, 2]],
    ['last', [1, 2, 0]],
  ])('reads, writes and watches with a black hole and a dead endpoint, the good one %s', async (_, order) => {
    await using etcd = await startEtcd();
    await using hole = await startProxy(etcd.endpoint);
    hole.hole();
    const endpoints = [etcd.endpoint, hole.endpoint, 'http://127.0.0.1:1'];
    await put(etcd.endpoint, `${prefix}/config`, network);
    const started = performance.now();
    await using store = open(order.map(at => endpoints[at] ?? ''));
    expect(await store.config(signal)).toBe(network);
    expect(await store.claim(subnet, terms, 60, signal)).toMatchObject({ won: true });
    await using seen = follow(store);
    await seen.until('the lease', view => view.has('10.5.3.0-24'));
    await put(etcd.endpoint, leaseAt('10.5.4.0-24'), encodeValue(terms));
    await seen.until('a new lease', view => view.has('10.5.4.0-24'));
    expect(seconds(started)).toBeLessThan(10);
  });

  // Silence is noticed by keep-alives, 9 s after the last word; C10 of the catalogue allows for 30 s.
  test.each([
    ['dies', 'cut', 10],
    ['falls silent', 'hole', 30],
  ] as const)('a watch whose endpoint %s moves on', async (_, fault, limit) => {
    await using etcd = await startEtcd();
    await using one = await startProxy(etcd.endpoint);
    await using two = await startProxy(etcd.endpoint);
    await using store = open([one.endpoint, two.endpoint]);
    await using seen = await following(store, etcd.endpoint);
    // One of the two is the one in use, and after it the other.
    for (const [at, proxy] of [one, two].entries()) {
      const started = performance.now();
      proxy[fault]();
      await put(etcd.endpoint, leaseAt(`10.5.${at}.0-24`), encodeValue(terms));
      await seen.until('a new lease', view => view.has(`10.5.${at}.0-24`), 30_000);
      expect(seconds(started)).toBeLessThan(limit);
      proxy.pass();
    }
  });

  test('a connection that is half open is given up though its endpoint works', async () => {
    await using etcd = await startEtcd();
    await using only = await startProxy(etcd.endpoint);
    const lines: string[] = [];
    await using store = open([only.endpoint], line => lines.push(line));
    await using seen = await following(store, etcd.endpoint);
    const started = performance.now();
    only.hole('those there are');
    await put(etcd.endpoint, leaseAt('10.5.4.0-24'), encodeValue(terms));
    await seen.until('a new lease', view => view.has('10.5.4.0-24'), 40_000);
    expect(seconds(started)).toBeLessThan(30);
    expect(lines.length).toBeLessThan(5);
  });

  test('a write whose answer was lost is found again', async () => {
    await using etcd = await startEtcd();
    await using lossy = await startProxy(etcd.endpoint);
    lossy.loseAnswers();
    await using store = open([lossy.endpoint, etcd.endpoint]);
    for (let third = 3; third < 6; third++) {
      const one = { 4: parseCidr(`10.5.${third}.0/24`) ?? expect.unreachable() };
      const claim = await store.claim(one, terms, 60, signal);
      if (!claim.won) return expect.unreachable();
      expect(await store.get(claim.lease.key, signal)).toEqual(claim.lease);
      const renewal = await store.renew(claim.lease, terms, 60, signal);
      expect(renewal).toMatchObject({ won: true });
      expect(await store.get(claim.lease.key, signal)).toEqual(renewal.won && renewal.lease);
    }
  });

  test('an etcd that lost its memory is read anew, at whatever revision it is', async () => {
    await using etcd = await startEtcd();
    await using store = open([etcd.endpoint]);
    for (let times = 0; times < 20; times++)
      await put(etcd.endpoint, leaseAt('10.5.4.0-24'), encodeValue(terms));
    await using seen = follow(store);
    await seen.until('the lease', view => view.has('10.5.4.0-24'));
    await etcd.stop();
    await etcd.wipe();
    await etcd.start();
    await seen.until('nothing', view => view.size === 0);
    await put(etcd.endpoint, leaseAt('10.5.6.0-24'), encodeValue(terms));
    await seen.until('what was written since', view => view.has('10.5.6.0-24'));
  });

  test('a sibling of the directory is none of ours', async () => {
    await using etcd = await startEtcd();
    for (const key of ['subnets-backup/10.5.99.0-24', 'subnets2', 'subnets/x/10.5.98.0-24'])
      await put(etcd.endpoint, `${prefix}/${key}`, encodeValue(terms));
    await put(etcd.endpoint, `${prefix}2/subnets/10.5.97.0-24`, encodeValue(terms));
    await using store = open([etcd.endpoint]);
    expect(await store.list(signal)).toMatchObject({ leases: [], unreadable: [{ key: 'x/10.5.98.0-24' }] });
  });

  test('a member without a leader is left', async () => {
    const members = await startCluster(3);
    try {
      const endpoints = members.map(({ endpoint }) => endpoint);
      const lines: string[] = [];
      await using store = open(endpoints.slice(0, 1), line => lines.push(line));
      await using seen = await following(store, endpoints[0] ?? '');
      const started = performance.now();
      for (const member of members.slice(1)) member.pause();
      await until(async () => (lines.some(line => line.includes('etcd')) ? true : undefined), {
        what: 'a word about it',
        timeout: 30_000,
      });
      expect(seconds(started)).toBeLessThan(13);
      for (const member of members.slice(1)) member.resume();
      await until(async () => (lines.some(line => line.includes('answers again')) ? true : undefined), {
        what: 'the leader to be back',
        timeout: 30_000,
      });
      await put(endpoints[1] ?? '', leaseAt('10.5.4.0-24'), encodeValue(terms));
      await seen.until('a new lease', view => view.has('10.5.4.0-24'));
    } finally {
      for (const member of members) await member[Symbol.asyncDispose]();
    }
  });

  test('members that die one after the other are left, whichever is in use', async () => {
    const members = await startCluster(3);
    try {
      const endpoints = members.map(({ endpoint }) => endpoint);
      const lines: string[] = [];
      await using store = open(endpoints, line => lines.push(line));
      await using seen = await following(store, endpoints[0] ?? '');
      for (const [at, member] of members.entries()) {
        await member.stop();
        const third = 20 + at;
        const claimed = { 4: parseCidr(`10.5.${third}.0/24`) ?? expect.unreachable() };
        const claim = async () => (await store.claim(claimed, terms, 60, signal)).won || undefined;
        await until(claim, { what: 'a claim without it', timeout: 15_000 });
        await seen.until('that lease', view => view.has(`10.5.${third}.0-24`), 15_000);
        await member.start();
      }
      expect(lines.length).toBeLessThan(10);
    } finally {
      for (const member of members) await member[Symbol.asyncDispose]();
    }
  });

  test('a flapping connection leaks none and says little', async () => {
    await using etcd = await startEtcd();
    await using proxy = await startProxy(etcd.endpoint);
    const lines: string[] = [];
    await using store = open([proxy.endpoint], line => lines.push(line));
    await using seen = follow(store);
    for (let times = 0; times < 8; times++) {
      proxy.pass();
      const before = seen.snapshots;
      await until(async () => (seen.snapshots > before ? true : undefined), {
        what: 'a snapshot',
        timeout: 15_000,
      });
      proxy.cut();
    }
    proxy.pass();
    await put(etcd.endpoint, leaseAt('10.5.4.0-24'), encodeValue(terms));
    await seen.until('a new lease', view => view.has('10.5.4.0-24'));
    expect(proxy.open).toBeLessThan(4);
    expect(lines.length).toBeLessThanOrEqual(17);
  });
}

describe.skipIf(!etcdProgram)('grants of etcd v3', () => {
  test('are not left over by lost races and renewals', async () => {
    await using etcd = await startEtcd();
    const raw = new Etcd3({ hosts: etcd.endpoint });
    await using store = v3.open([etcd.endpoint]);
    const first = await store.claim(subnet, terms, 60, signal);
    if (!first.won) return expect.unreachable();
    for (let times = 0; times < 50; times++)
      expect(await store.claim(subnet, terms, 60, signal)).toMatchObject({ won: false });
    let { lease } = first;
    for (let times = 0; times < 20; times++) {
      const claim = await store.renew(lease, terms, 60, signal);
      if (!claim.won) return expect.unreachable();
      lease = claim.lease;
    }
    await until(async () => ((await raw.leaseClient.leaseLeases()).leases.length <= 1 ? true : undefined), {
      what: 'one grant',
      timeout: 5000,
    });
    raw.close();
  });

  test('are not left over by a lease that is replaced or removed', async () => {
    await using etcd = await startEtcd();
    const raw = new Etcd3({ hosts: etcd.endpoint });
    await using store = v3.open([etcd.endpoint]);
    const count = async () => (await raw.leaseClient.leaseLeases()).leases.length;
    const former = await store.claim(subnet, terms, 60, signal);
    if (!former.won) return expect.unreachable();
    const other = { 4: parseCidr('10.5.4.0/24') ?? expect.unreachable() };
    const claim = await store.claim(other, terms, 60, signal, former.lease);
    if (!claim.won) return expect.unreachable();
    await until(async () => ((await count()) === 1 ? true : undefined), { what: 'one grant', timeout: 5000 });
    expect(await store.remove(claim.lease, signal)).toBe(true);
    expect(await count(), 'whoever removes a lease may end right after it').toBe(0);
    raw.close();
  });

  test('whose answer was lost are given back', async () => {
    await using etcd = await startEtcd();
    await using lossy = await startProxy(etcd.endpoint);
    const raw = new Etcd3({ hosts: etcd.endpoint });
    await using store = v3.open([lossy.endpoint]);
    await store.config(signal);
    lossy.loseAnswers();
    await expect(store.claim(subnet, terms, 600, signal)).rejects.toThrow();
    expect((await raw.leaseClient.leaseLeases()).leases.length).toBe(1);
    lossy.cut();
    lossy.pass();
    await until(async () => (await store.claim(subnet, terms, 60, signal)) && true, {
      what: 'a claim',
      timeout: 15_000,
    });
    await until(async () => ((await raw.leaseClient.leaseLeases()).leases.length <= 1 ? true : undefined), {
      what: 'the grant of the claim alone',
      timeout: 5000,
    });
    raw.close();
  });
});

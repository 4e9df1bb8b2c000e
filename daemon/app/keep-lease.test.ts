// A lease is renewed in time, restored when it vanished, and given up to another owner: on a clock that tests move.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Bell } from '../../lib/bell.ts';
import { parseCidr } from '../../lib/ip.ts';
import { createLogger } from '../../lib/log.ts';
import { until } from '../../lib/wait.ts';
import { encodeValue } from '../model/lease-codec.ts';
import { emptyView, fold, type LeaseView } from '../model/lease-view.ts';
import type { Happening } from '../operations/happening.ts';
import { MemoryRegistry } from '../store/memory-registry.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { keepLease } from './keep-lease.ts';
import { leaseOf } from './node.fixture.ts';

const key = '10.5.3.0-24';
const terms = { publicIps: { 4: '192.168.7.1' }, backendType: 'host-gw', backendData: {} };
const mine = encodeValue(terms);
const theirs = leaseOf('192.168.7.9', 'host-gw');

/** A node that holds 10.5.3.0/24 for 100 s, renews 20 s before, and whose time is the registry's. */
async function holder({ ttl = 100, margin = 20, reserved = false, isNew = false, rival = '' } = {}) {
  const registry = new MemoryRegistry();
  const store = createMemoryStore(registry);
  const stopping = new AbortController();
  const { signal } = stopping;
  const log: string[] = [];
  const happened: Happening[] = [];
  const bell = new Bell();
  let view: LeaseView = emptyView;
  if (reserved) registry.put(key, mine);
  if (rival) registry.put(rival, mine, 1000);
  const existing = reserved ? await store.get(key, signal) : undefined;
  const claim = existing
    ? await store.renew(existing, terms, ttl, signal)
    : await store.claim({ 4: parseCidr('10.5.3.0/24') ?? expect.unreachable() }, terms, ttl, signal);
  if (!claim.won) return expect.unreachable();
  const watching = (async () => {
    for await (const event of store.watch(signal)) {
      view = fold(view, event);
      bell.ring();
    }
  })();
  const logger = createLogger({ write: line => void log.push(line), level: 'debug' });
  const keeping = {
    store,
    terms: () => terms,
    ttl,
    margin,
    random: () => 0,
    now: () => registry.clock,
    log: logger,
    view: () => view,
    bell,
    written: () => {},
    observe: (happening: Happening) => void happened.push(happening),
  };
  let end: unknown;
  const running = keepLease(keeping, { lease: claim.lease, ttl: claim.ttl, since: 0, isNew }, signal).catch(
    error => {
      end = error;
    },
  );
  return {
    registry,
    log,
    happened,
    get end() {
      return end;
    },
    ended: () => running,
    /** Moves the clock; the daemon's timers are real, so it is woken. */
    elapse(seconds: number) {
      registry.elapse(seconds);
      bell.ring();
    },
    holds: (what: string, condition: () => boolean) =>
      until(async () => (condition() ? true : undefined), { what, timeout: 4000, interval: 5 }),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all([running, watching]);
    },
  };
}

/** Gives everything that is under way the time to happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
}

describe('renewal', () => {
  test('happens before the lease runs out, and not earlier', async () => {
    await using node = await holder();
    const first = node.registry.row(key)?.revision;
    node.elapse(79);
    await settle();
    expect(node.registry.row(key)?.revision).toBe(first);
    node.elapse(2);
    await node.holds('a renewal', () => node.registry.row(key)?.revision !== first);
    expect(node.registry.row(key)).toMatchObject({ value: mine, expires: 181_000 });
    const expected = [
      { kind: 'renewal', succeeded: true },
      { kind: 'lease', subnet: '10.5.3.0/24', expires: 181_000 },
    ];
    await node.holds('the news of it', () => node.happened.length === 2);
    expect(node.happened).toEqual(expected);
  });

  test('of a lease that is new comes once more a few seconds later, for peers that missed the first write', async () => {
    await using node = await holder({ isNew: true });
    const first = node.registry.row(key)?.revision;
    node.elapse(2.9);
    await settle();
    expect(node.registry.row(key)?.revision).toBe(first);
    node.elapse(0.2);
    await node.holds('the second write', () => node.registry.row(key)?.revision !== first);
    expect(node.registry.row(key)).toMatchObject({ value: mine, expires: 103_100 });
    const second = node.registry.row(key)?.revision;
    node.elapse(79);
    await settle();
    expect(node.registry.row(key)?.revision).toBe(second);
    node.elapse(2);
    await node.holds('a renewal', () => node.registry.row(key)?.revision !== second);
  });

  test('of a new lease that is due within seconds comes no later for that', async () => {
    await using node = await holder({ isNew: true, ttl: 4, margin: 2 });
    const first = node.registry.row(key)?.revision;
    node.elapse(2.1);
    await node.holds('a renewal', () => node.registry.row(key)?.revision !== first);
  });

  test('goes on for ever, once per period', async () => {
    await using node = await holder();
    for (let times = 1; times <= 10; times++) {
      node.elapse(81);
      await node.holds(
        'a renewal',
        () => node.log.filter(line => line.includes('lease renewed')).length === times,
      );
    }
    await settle();
    expect(node.log.filter(line => line.includes('lease renewed'))).toHaveLength(10);
  });

  test('is tried on through an outage shorter than the margin', async () => {
    await using node = await holder();
    node.registry.setReachable(false);
    node.elapse(85);
    await settle();
    expect(node.happened).toContainEqual({ kind: 'renewal', succeeded: false });
    node.registry.setReachable(true);
    await node.holds('a renewal', () => (node.registry.row(key)?.expires ?? 0) > 100_000);
    expect(node.log.join('\n')).not.toContain('my lease is gone');
  });

  test('B10: that came due while the host was suspended happens within a minute of its return', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await using node = await holder();
    await settle();
    const first = node.registry.row(key)?.revision;
    node.registry.elapse(81); // timers stood still
    await vi.advanceTimersByTimeAsync(60_000);
    await node.holds('a renewal', () => node.registry.row(key)?.revision !== first);
  });

  test('of a reservation never happens, and it stays one', async () => {
    await using node = await holder({ reserved: true, isNew: true });
    const { revision } = node.registry.row(key) ?? {};
    node.elapse(10_000_000);
    await settle();
    expect(node.registry.row(key)).toMatchObject({ revision, expires: undefined });
  });
});

describe('a lease with our public IP', () => {
  const other = '10.5.9.0-24';

  test('that is older than our new one is the end, and ours is given back', async () => {
    await using node = await holder({ isNew: true, rival: other });
    await node.ended();
    expect(node.end).toMatchObject({
      message: `another node has the public IP 192.168.7.1: it holds ${other}`,
    });
    expect(node.registry.rows().map(([name]) => name)).toEqual([other]);
  });

  test.each([
    ['younger than our new one', { isNew: true }],
    ['older than the one we had before', { rival: other }],
  ])('that is %s changes nothing', async (_what, given) => {
    await using node = await holder(given);
    node.registry.put('10.5.8.0-24', theirs, 1000);
    await settle();
    node.registry.put(other, mine, 1000);
    await settle();
    expect(node.end).toBeUndefined();
    expect(node.registry.rows()).toHaveLength(3);
  });
});

describe('a lost lease', () => {
  test('that was deleted is taken again', async () => {
    await using node = await holder();
    node.registry.delete(key);
    await node.holds('the lease', () => node.registry.row(key)?.value === mine);
    expect(node.log.join('\n')).toContain('my lease is gone, taking the same subnet again');
    expect(node.end).toBeUndefined();
  });

  test('that ran out while the node was cut off is taken again', async () => {
    await using node = await holder();
    node.registry.setReachable(false);
    node.elapse(200);
    node.registry.compact();
    await settle();
    node.registry.setReachable(true);
    await node.holds('the lease', () => node.registry.row(key)?.value === mine);
  });

  test.each(['at once', 'after being frozen past its end'])('to another owner is the end, %s', async when => {
    await using node = await holder();
    if (when === 'at once') node.registry.put(key, theirs, 100);
    else {
      node.registry.elapse(101); // nobody is woken
      node.registry.put(key, theirs, 100);
      node.elapse(0);
    }
    await node.ended();
    expect(node.end).toMatchObject({
      message: 'my subnet 10.5.3.0/24 was leased to 192.168.7.9 while my lease had lapsed',
      name: 'UserError',
    });
    expect(node.registry.row(key)?.value).toBe(theirs);
  });

  test('to a rival that is quicker in taking it again is the end, too', async () => {
    await using node = await holder();
    node.registry.beforeNextWrite = () => node.registry.put(key, theirs, 100);
    node.registry.delete(key);
    await node.ended();
    expect(node.end).toMatchObject({ message: expect.stringContaining('leased to 192.168.7.9') });
    expect(node.registry.row(key)?.value).toBe(theirs);
  });

  test.each(['10.5.3.0-24&fd00:5:0:9::-64', '10.5.2.0-23'])(
    'to a rival who has it as %s is the end, too',
    async other => {
      await using before = await holder();
      before.registry.put(other, theirs, 1000);
      before.registry.delete(key);
      await before.ended();
      await using quicker = await holder();
      quicker.registry.beforeNextWrite = () => quicker.registry.put(other, theirs, 1000);
      quicker.registry.delete(key);
      await quicker.ended();
      for (const { registry, end } of [before, quicker]) {
        expect(end).toMatchObject({ message: expect.stringContaining('leased to 192.168.7.9') });
        expect(registry.rows().map(([name]) => name)).toEqual([other]);
      }
    },
  );

  test('that someone rewrote under our public IP is restored, with a question', async () => {
    await using node = await holder();
    node.registry.put(key, leaseOf('192.168.7.1', 'vxlan'), 100);
    await node.holds('our terms', () => node.registry.row(key)?.value === mine);
    expect(node.log.join('\n')).toContain('do two nodes share the address?');
  });

  test('that became unreadable is not overwritten', async () => {
    await using node = await holder();
    node.registry.put(key, 'garbage');
    node.elapse(81);
    await node.holds('a try', () => node.log.join('\n').includes('my lease is gone'));
    await settle();
    expect(node.registry.row(key)?.value).toBe('garbage');
    expect(node.end).toBeUndefined();
  });

  test('is not suspected for records beside it', async () => {
    await using node = await holder();
    const { revision } = node.registry.row(key) ?? {};
    node.registry.put(`${key}&fd00:1::-64`, theirs, 100);
    node.registry.put(`${key}x`, 'x');
    node.registry.delete(`${key}&fd00:1::-64`);
    node.registry.delete(`${key}x`);
    await settle();
    expect(node.registry.row(key)?.revision).toBe(revision);
    expect(node.log.join('\n')).not.toContain('gone');
  });
});

// How often the kernel is read: at once for what is news, and rarely for what turns out not to be.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { FakeKernel } from '../kernel/fake.ts';
import type { NetEntry } from '../model/net-state.ts';
import { Reconciler } from './reconcile.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const route = (to: string): NetEntry => ({
  kind: 'route',
  to,
  via: '192.168.7.2',
  dev: 'eth0',
  onlink: false,
  metric: 0,
  protocol: 'boot',
});
const wanted = route('10.5.2.0/24');
const foreign = route('10.99.0.0/24');

const eth0 = { kind: 'link', name: 'eth0', mac: '02:00:00:00:0e:01', mtu: 1500, up: true } as const;
const present: NetEntry[] = [
  { ...eth0, tunnel: undefined },
  { kind: 'address', dev: 'eth0', address: '192.168.7.1/24' },
  wanted,
];

/** A reconciler that wants one route, has it, and whose readings of the kernel are counted. */
function start({ kernel = new FakeKernel(present), desired = [wanted] } = {}) {
  const stopping = new AbortController();
  let readings = 0;
  const reconciler = new Reconciler({
    kernel,
    scope: { families: [4], devices: [], sysctls: [] },
    look: () => void readings++,
    desired: () => desired,
    isOurs: () => () => false,
    log: createLogger({ write: () => {} }),
    observe: () => {},
  });
  const running = reconciler.run(stopping.signal).catch(() => {});
  return {
    kernel,
    get readings() {
      return readings;
    },
    /** Moves the clock in steps, with what happens in each. */
    async pass(milliseconds: number, step: () => void = () => {}) {
      for (let passed = 0; passed < milliseconds; passed += 50) {
        step();
        await vi.advanceTimersByTimeAsync(50);
        for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

test('changes by others that concern nothing of ours cost a reading a second, not ten', async () => {
  await using node = start();
  await node.pass(2000);
  const before = node.readings;
  await node.pass(10_000, () => node.kernel.set(foreign));
  expect(node.readings - before).toBeGreaterThan(5);
  expect(node.readings - before).toBeLessThan(13);
});

test('what is undone is put right at once, and within a second or two among such changes', async () => {
  await using node = start();
  const isThere = () => node.kernel.text(entry => entry === wanted) !== '';
  await node.pass(2000);
  node.kernel.drop(wanted);
  await node.pass(200);
  expect(isThere()).toBe(true);
  await node.pass(10_000, () => node.kernel.set(foreign));
  node.kernel.drop(wanted);
  await node.pass(1500, () => node.kernel.set(foreign));
  expect(isThere()).toBe(true);
});

test('a device that does not become what is asked of it is tried ever more seldom', async () => {
  class Deaf extends FakeKernel {
    override apply = async () => [];
  }
  const desired: NetEntry[] = [{ ...eth0, mtu: 1400, tunnel: undefined }];
  await using node = start({ kernel: new Deaf(present), desired });
  await node.pass(10_000);
  expect(node.readings).toBeGreaterThan(4);
  expect(node.readings).toBeLessThan(12);
});

// Tests of the choice between etcd v2 and v3, on registries in memory.
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { until } from '../../lib/wait.ts';
import { createAutoStore } from './auto-store.ts';
import { StoreError } from './lease-store.ts';
import { MemoryRegistry } from './memory-registry.ts';
import { createMemoryStore } from './memory-store.ts';

const signal = AbortSignal.timeout(10_000);

function setUp({ version = '3.4.23' }: { version?: string | undefined } = {}) {
  const [three, two] = [new MemoryRegistry(), new MemoryRegistry()];
  const lines: string[] = [];
  let opened = 0;
  const store = createAutoStore(
    {
      v3: createMemoryStore(three),
      async openV2() {
        opened++;
        return {
          store: createMemoryStore(two),
          probe: createMemoryStore(two),
          async version() {
            if (!two.reachable) throw new StoreError('the registry is unreachable');
            return version;
          },
        };
      },
    },
    createLogger({ write: line => lines.push(line) }),
  );
  return { three, two, store, lines, opened: () => opened };
}

describe('the choice of a registry', () => {
  test('is v3 when it has a configuration, and v2 is not even opened', async () => {
    const { three, two, store, lines, opened } = setUp();
    three.putConfig('three');
    two.putConfig('two');
    expect(await store.config(signal)).toBe('three');
    expect(opened()).toBe(0);
    expect(lines.join()).toMatch(/using etcd v3 because="it holds the configuration"/);
  });

  test('is v2 when only v2 has a configuration, said once', async () => {
    const { two, store, lines } = setUp();
    two.putConfig('two');
    two.put('10.5.3.0-24', '{"PublicIP":"192.168.7.2"}');
    expect(await store.config(signal)).toBe('two');
    expect(await store.config(signal)).toBe('two');
    expect((await store.list(signal)).leases).toHaveLength(1);
    expect(lines.filter(line => line.includes('using etcd v2'))).toHaveLength(1);
    expect(lines.join()).toContain('only v2 holds the configuration');
  });

  test('is v2 when etcd is too old for v3', async () => {
    const { three, two, store, lines } = setUp({ version: '2.3.8' });
    three.setReachable(false);
    two.putConfig('two');
    expect(await store.config(signal)).toBe('two');
    expect(lines.join()).toContain('this etcd has no v3');
  });

  test.each(['3.4.23', undefined])('waits for a v3 that does not answer when etcd is %s', async version => {
    const { three, two, store } = setUp({ version });
    three.setReachable(false);
    three.putConfig('three');
    two.putConfig('two');
    await expect(store.config(signal)).rejects.toThrow(StoreError);
    three.setReachable(true);
    expect(await store.config(signal)).toBe('three');
  });

  test('waits when nothing answers', async () => {
    const { three, two, store } = setUp();
    three.setReachable(false);
    two.setReachable(false);
    await expect(store.config(signal)).rejects.toThrow(StoreError);
    await expect(store.list(signal)).rejects.toThrow(StoreError);
  });

  test('waits for v3 to be written when v2 does not answer', async () => {
    const { two, store } = setUp();
    two.setReachable(false);
    expect(await store.config(signal)).toBeUndefined();
  });

  test.each(['three', 'two'] as const)('is made when %s gets a configuration', async which => {
    const all = setUp();
    const { store } = all;
    expect(await store.config(signal)).toBeUndefined();
    const stop = new AbortController();
    let rings = 0;
    const pump = (async () => {
      for await (const _ of store.watchConfig(stop.signal)) rings++;
    })();
    await until(async () => (rings >= 2 ? true : undefined), { what: 'both to be watched', timeout: 2000 });
    const before = rings;
    all[which].putConfig(which);
    await until(async () => (rings > before ? true : undefined), { what: 'a ring', timeout: 2000 });
    expect(await store.config(signal)).toBe(which);
    stop.abort();
    await pump;
  });

  test('stays what it is', async () => {
    const { three, two, store } = setUp();
    two.putConfig('two');
    await store.config(signal);
    three.putConfig('three');
    expect(await store.config(signal)).toBe('two');
    await store[Symbol.asyncDispose]();
  });
});

// The registries that the contract suite runs on, with the means to do to them what other clients do.
import { Etcd3 } from 'etcd3';
import { createLogger } from '../../lib/log.ts';
import { type EtcdFixture, startEtcd } from './etcd.fixture.ts';
import { createEtcd2Client } from './etcd2-client.ts';
import { createEtcd2Store } from './etcd2-store.ts';
import type { Etcd3Client } from './etcd3-api.ts';
import { createEtcd3Client } from './etcd3-client.ts';
import { createEtcd3Gateway } from './etcd3-gateway.ts';
import { createEtcd3Store } from './etcd3-store.ts';
import type { LeaseStore } from './lease-store.ts';
import { MemoryRegistry } from './memory-registry.ts';
import { createMemoryStore } from './memory-store.ts';
import { createV2Keys } from './v2-keys.fixture.ts';

/** A registry and the means to do to it what others do. */
export interface Bench extends AsyncDisposable {
  /** A new connection. */
  store(write?: (line: string) => void): LeaseStore;
  /** Writes the key `subnets/<key>`, without a time to live. */
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  putConfig(text: string): Promise<void>;
  /** Makes the registry forget its history, which nobody who is connected should notice. */
  compact(): Promise<void>;
  /** Interrupts all watches; `during` happens before they can resume, and its history is lost. */
  gap(during: () => Promise<void>): Promise<void>;
  /** Makes the registry unreachable until the handle is released. */
  outage(): Promise<AsyncDisposable>;
  /** Lets this time pass, in seconds, where it does not pass by itself. */
  elapse(seconds: number): Promise<void>;
  clear(): Promise<void>;
}

const prefix = '/coreos.com/network';
const quiet = () => {};

export async function memoryBench(): Promise<Bench> {
  const registry = new MemoryRegistry();
  return {
    store: write => createMemoryStore(registry, write && createLogger({ write })),
    put: async (key, value) => void registry.put(key, value),
    delete: async key => registry.delete(key),
    putConfig: async text => registry.putConfig(text),
    compact: async () => registry.compact(),
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
    elapse: async seconds => registry.elapse(seconds),
    clear: async () => {
      for (const [key] of registry.rows()) registry.delete(key);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

export const etcd3Bench = () => etcd3BenchOf(endpoint => createEtcd3Client([endpoint], {}));

/** Everything but watches goes through the gateway. */
export const gatewayBench = () =>
  etcd3BenchOf(endpoint => {
    const client = createEtcd3Client([endpoint], {});
    const gateway = createEtcd3Gateway(endpoint);
    const close = () => {
      client.close();
      gateway.close();
    };
    return { ...client, ...gateway, isOutage: () => true, close };
  });

async function etcd3BenchOf(connect: (endpoint: string) => Etcd3Client): Promise<Bench> {
  const etcd = await startEtcd();
  const raw = new Etcd3({ hosts: etcd.endpoint });
  const at = (key: string) => `${prefix}/subnets/${key}`;
  async function compact() {
    const { header } = await raw.kv.range({ key: Buffer.from('x') });
    // What is compacted already stays so.
    await raw.kv.compact({ revision: header.revision }).catch(() => {});
  }
  return {
    store: (write = quiet) => createEtcd3Store(connect(etcd.endpoint), `${prefix}/`, createLogger({ write })),
    put: async (key, value) => void (await raw.put(at(key)).value(value)),
    delete: async key => void (await raw.delete().key(at(key))),
    putConfig: async text => void (await raw.put(`${prefix}/config`).value(text)),
    compact,
    async gap(during) {
      await etcd.restart();
      await during();
      await compact();
    },
    outage: () => outage(etcd),
    elapse: async () => {},
    clear: async () => void (await raw.delete().prefix(`${prefix}/`)),
    async [Symbol.asyncDispose]() {
      raw.close();
      await etcd[Symbol.asyncDispose]();
    },
  };
}

export async function etcd2Bench(): Promise<Bench> {
  const etcd = await startEtcd();
  const keys = createV2Keys(etcd.endpoint);
  const at = (key: string) => `${prefix}/subnets/${key}`;
  return {
    store: (write = quiet) =>
      createEtcd2Store(createEtcd2Client([etcd.endpoint], {}), `${prefix}/`, createLogger({ write })),
    put: (key, value) => keys.put(at(key), value),
    delete: key => keys.delete(at(key)),
    putConfig: text => keys.put(`${prefix}/config`, text),
    compact: keys.clearHistory,
    async gap(during) {
      await etcd.restart();
      await during();
      await keys.clearHistory();
    },
    outage: () => outage(etcd),
    elapse: async () => {},
    clear: () => keys.delete(prefix),
    [Symbol.asyncDispose]: () => etcd[Symbol.asyncDispose](),
  };
}

async function outage(etcd: EtcdFixture): Promise<AsyncDisposable> {
  await etcd.stop();
  return { [Symbol.asyncDispose]: () => etcd.start() };
}

// A listing costs etcd one request, whatever the number of leases: etcd's own figures say so.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silent } from '../../lib/log.ts';
import { type EtcdFixture, etcdProgram, startEtcd } from './etcd.fixture.ts';
import { createEtcd2Client } from './etcd2-client.ts';
import { createEtcd2Store } from './etcd2-store.ts';
import { createEtcd3Client } from './etcd3-client.ts';
import { createEtcd3Store } from './etcd3-store.ts';
import type { LeaseStore } from './lease-store.ts';

const signal = AbortSignal.timeout(60_000);
const prefix = '/coreos.com/network';
const stores: Readonly<Record<string, (endpoint: string) => LeaseStore>> = {
  v3: endpoint => createEtcd3Store(createEtcd3Client([endpoint], {}), prefix, silent),
  v2: endpoint => createEtcd2Store(createEtcd2Client([endpoint], {}), prefix, silent),
};

describe.skipIf(!etcdProgram)('requests', () => {
  let etcd: EtcdFixture;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd?.[Symbol.asyncDispose]());

  test.each(['v3', 'v2'])('of one listing of 100 leases with etcd %s: one', async api => {
    await using store = stores[api]?.(etcd.endpoint) ?? expect.unreachable();
    for (let n = 0; n < 100; n++) {
      const subnets = { 4: { family: 4, base: BigInt(0x0a050000 + n * 256), length: 24 } } as const;
      const terms = { publicIps: { 4: `192.168.7.${n}` }, backendType: 'host-gw', backendData: {} };
      expect(await store.claim(subnets, terms, 600, signal)).toMatchObject({ won: true });
    }
    const before = await requestsTo(etcd);
    expect((await store.list(signal)).leases).toHaveLength(100);
    expect((await requestsTo(etcd)) - before).toBe(1);
  });
});

/** How many requests of either API etcd has received so far, but for those that ask for this. */
async function requestsTo({ endpoint }: EtcdFixture): Promise<number> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  const figures = text.matchAll(/^(?:grpc_server_started_total|etcd_http_received_total)\{.*\} (\S+)$/gm);
  return [...figures].reduce((sum, [, figure]) => sum + Number(figure), 0);
}

// Every fault on every driver that can run here: it takes effect, which each proves itself, and healing it is the end of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../lib/wait.ts';
import { Cluster } from '../cluster.ts';
import { clusterSpec } from '../cluster-spec.ts';
import type { Driver, NodeHandle } from '../drivers/driver.ts';
import { driverNames, loadDriver } from '../drivers/index.ts';
import type { Fault } from './fault.ts';

const signal = AbortSignal.timeout(300_000);
const required = (process.env.REQUIRE ?? '').split(',');

for (const name of driverNames) {
  const driver = await loadDriver(name);
  const problems = await driver.preflight();
  const reason = problems.map(({ what }) => what).join('; ');
  if (problems.length === 0) describe(name, () => faultsOn(driver));
  else if (required.includes(name)) test(`${name} is required`, () => expect(reason).toBe(''));
  else describe.skip(`${name} skipped: ${reason}`, () => test('everything', () => {}));
}

type Kind = readonly [name: string, make: (cluster: Cluster, node: NodeHandle) => Promise<Fault>];

const kinds: readonly Kind[] = [
  ['a frozen daemon', ({ fault }, node) => fault.freeze(node)],
  ['a dead daemon', ({ fault }, node) => fault.kill(node)],
  ['a stopped etcd', ({ fault }) => fault.stopEtcd()],
  ['a paused etcd', ({ fault }) => fault.pauseEtcd()],
  ['etcd refused', ({ fault }, node) => fault.cutEtcd(node)],
  ['etcd behind a black hole', ({ fault }, node) => fault.cutEtcd(node, 'black-hole')],
  ['a dead connection to etcd', ({ fault }, node) => fault.halfOpen(node)],
  ['an isolated node', ({ fault }, node) => fault.isolate(node)],
  ['a partition', cluster => cluster.fault.isolate(cluster.node('node1'), [cluster.node('node2')])],
  ['an uplink that is down', ({ fault }, node) => fault.linkDown(node)],
  ['an uplink that is gone', ({ fault }, node) => fault.unplug(node)],
  ['forwarding dropped', ({ fault }, node) => fault.dropForwarding(node)],
  ['forwarding rejected', ({ fault }, node) => fault.rejectForwarding(node)],
];

function faultsOn(driver: Driver): void {
  let cluster: Cluster;

  beforeAll(async () => {
    const spec = clusterSpec({ name: `faults-${driver.name}`, driver: driver.name, nodes: 2 });
    cluster = await Cluster.up(spec, driver, { signal });
  }, 120_000);
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000);

  test.each(kinds)('%s', async (_, make) => {
    const node = cluster.node('node1');
    const fault = await make(cluster, node);
    await fault.heal();
    await expect.poll(() => cluster.store.answers(), { timeout: 5000 }).toBe(true);
    await until(async () => ((await node.daemon.state()).running ? true : undefined), {
      what: 'the daemon to run',
      timeout: 10_000,
      signal,
    });
    await cluster.expectConverged({ timeout: 30_000 });
    expect((await node.run(['nft', 'list', 'tables'])).stdout).not.toContain('lab_fault');
  });

  test('what is flushed is gone, and nothing to flush is an error', async () => {
    const node = cluster.node('node1');
    const frozen = await cluster.fault.freeze(node);
    for (const what of ['fdb', 'neighbours', 'routes'] as const) {
      await cluster.fault.flush(node, what, 'flannel.1');
      await expect(cluster.fault.flush(node, what, 'flannel.1')).rejects.toThrow(`no ${what} to flush`);
    }
    await frozen.heal();
    await cluster.expectConverged({ timeout: 30_000 });
  });

  test('the store is tampered with as told', async () => {
    const { store } = cluster;
    await store.put('x/short', 'a', { ttl: 60 });
    expect(await store.timeToLive('x/short')).toBeGreaterThan(50);
    await store.transaction({ 'x/one': '1', 'x/two': '2', 'x/short': undefined });
    const stored = (await store.dump()).filter(({ key }) => key.includes('/x/'));
    expect(stored.map(({ value }) => value)).toEqual(['1', '2']);
    expect(new Set(stored.map(({ revision }) => revision)).size).toBe(1);
    expect(await store.timeToLive('x/one')).toBeUndefined();
    await expect(store.timeToLive('x/short')).rejects.toThrow('not in etcd');
    await expect(store.revoke('x/one')).rejects.toThrow('no etcd lease');
    await store.put('x/short', 'a', { ttl: 60 });
    await store.revoke('x/short');
    await expect(store.timeToLive('x/short')).rejects.toThrow('not in etcd');
    await store.bump(3);
    await store.compact();
  });

  test('a wiped etcd comes back empty', async () => {
    const fault = await cluster.fault.stopEtcd({ wipe: true });
    await fault.heal();
    const keys = (await cluster.store.dump()).map(({ key }) => key);
    expect(keys).not.toContain('/coreos.com/network/config');
  });
}

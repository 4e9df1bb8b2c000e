// An etcd of several members on every driver: losing one costs nothing, and each fault of one is healed as by an operator.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../cluster.ts';
import { clusterSpec } from '../cluster-spec.ts';
import type { Driver } from '../drivers/driver.ts';
import { loadDriver } from '../drivers/index.ts';
import { Evidence } from '../evidence/evidence.ts';
import { onEveryDriver } from '../vitest/platforms.ts';
import { makeFault, mendElsewhere } from './command-line.fixture.ts';
import { FaultUnavailable } from './kind.ts';

const signal = AbortSignal.timeout(400_000);
const names = ['etcd1', 'etcd2', 'etcd3'];

/** Each as on a command line. */
const cases = [
  'stop-etcd',
  'stop-etcd etcd2',
  'pause-etcd',
  'pause-etcd etcd3',
  'isolate-etcd-member etcd2',
  'lose-etcd-member etcd1',
  'lose-etcd-quorum',
  'lose-etcd-quorum etcd3',
  'cut-etcd node1',
  'cut-etcd node1 black-hole',
  'cut-etcd node1 refuse etcd2',
  'half-open node1',
  'slow-etcd node1 200',
  'slow-etcd node1 200 etcd3',
  'isolate node1',
  'compact-etcd',
];

onEveryDriver(membersOn);

test('the harness writes and reads etcd v2 without any one member', async ({ skip }) => {
  const driver = await loadDriver('netns');
  if ((await driver.preflight()).length > 0) return skip('needs the netns driver');
  const size = { nodes: 1, docker: false, etcdApi: 2, etcdMembers: 3 } as const;
  const spec = clusterSpec({ name: 'members-v2', driver: 'netns', ...size });
  await using cluster = await Cluster.up(spec, driver, { signal });
  for (const { name } of cluster.etcd) {
    await using _ = await cluster.fault.stopEtcd({ member: name });
    await cluster.store.put('x/word', name);
    expect(await cluster.store.entry('x/word')).toEqual({ value: name, ttl: undefined });
  }
  await using _ = await cluster.fault.loseEtcdQuorum();
  expect(await cluster.store.answers()).toBe(false);
});

function membersOn(driver: Driver): void {
  let cluster: Cluster;
  beforeAll(async () => {
    const size = { nodes: 2, docker: false, etcdMembers: 3 };
    const spec = clusterSpec({ name: `members-${driver.name}`, driver: driver.name, ...size });
    cluster = await Cluster.up(spec, driver, { signal });
  }, 120_000);
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000);

  /** All answer, for etcd as a whole. */
  const isWhole = async () => {
    const { members } = cluster.store;
    return (await Promise.all(cluster.etcd.map(({ host }) => members.answers([host])))).every(Boolean);
  };

  /** Also of a lease that is renewed meanwhile. */
  const stored = async () =>
    (await cluster.store.dump()).map(({ key, value, created }) => ({ key, value, created }));

  test('daemons and harness know all members', async () => {
    expect(cluster.etcd.map(({ name }) => name)).toEqual(names);
    const endpoints = cluster.etcd.map(({ endpoint }) => endpoint);
    expect(new Set(endpoints).size).toBe(3);
    for (const node of cluster.nodes)
      expect(node.plan.flags).toContain(`-etcd-endpoints=${endpoints.join()}`);
    const listed = await cluster.store.members.list();
    expect(listed.map(({ name }) => name).sort()).toEqual(names);
    await expect.poll(isWhole).toBe(true);
    for (const member of cluster.etcd) expect(await member.logs()).toContain(member.name);
  });

  test.for(cases)('%s', async line => {
    const before = await stored();
    const recipe = await makeFault(cluster, line);
    if (recipe) await mendElsewhere(cluster.spec.name, recipe, signal);
    await expect.poll(isWhole).toBe(true);
    expect(await stored()).toEqual(before);
    await cluster.expectConverged({ timeout: 30_000 });
    for (const node of cluster.nodes) {
      const { stdout } = await node.run([
        'sh',
        '-c',
        'nft list tables; ls /run; ps -e -o args | grep -v grep',
      ]);
      expect(stdout).not.toMatch(/lab.fault/);
    }
  });

  // Whichever the harness was talking to is among them.
  test.for(names)('the harness writes, reads and listens without %s', async (name, { annotate }) => {
    const { store } = cluster;
    store.watchHistory();
    for (const fault of [
      () => cluster.fault.stopEtcd({ member: name }),
      () => cluster.fault.pauseEtcd({ member: name }),
    ]) {
      await using made = await fault();
      const started = performance.now();
      await store.put('x/word', made.what);
      expect(await store.entry('x/word')).toEqual({ value: made.what });
      await annotate(`${made.what}: written and read in ${Math.round(performance.now() - started)} ms`);
      const told = async () => {
        const event = (await store.history()).findLast(({ key }) => key.endsWith('/x/word'));
        return event?.value === made.what && event.at !== undefined;
      };
      await expect.poll(told).toBe(true);
      await store.remove('x/word');
    }
  });

  test('a member that was lost comes back as another one, and knows what was written meanwhile', async () => {
    const { store } = cluster;
    const idOf = async (name: string) =>
      (await store.members.list()).find(member => member.name === name)?.id;
    const before = await idOf('etcd2');
    const lost = await cluster.fault.loseEtcdMember('etcd2');
    await store.put('x/meanwhile', 'text');
    await expect(cluster.fault.loseEtcdMember('etcd1')).rejects.toThrow(FaultUnavailable);
    await expect(cluster.fault.loseEtcdMember('etcd1')).rejects.toThrow(/etcd2 does not answer/);
    await lost.heal();
    expect(await idOf('etcd2')).not.toBe(before);
    const keys = (await store.dump()).map(({ key }) => key);
    expect(keys).toContain('/coreos.com/network/x/meanwhile');
    await store.remove('x/meanwhile');
  });

  test('without a quorum nothing is read or written, and the data is there afterwards', async () => {
    const { store } = cluster;
    const before = await stored();
    const lost = await cluster.fault.loseEtcdQuorum();
    expect(lost.what).toBe('etcd has no quorum: etcd2, etcd3 are stopped');
    await expect(store.put('x/word', 'text')).rejects.toThrow();
    await lost.heal();
    expect(await stored()).toEqual(before);
  });

  test('what cannot be is refused, with the reason', async () => {
    const { stopEtcd, cutEtcd } = cluster.fault;
    const wiped = stopEtcd({ wipe: true, member: 'etcd2' });
    await expect(wiped).rejects.toThrow(FaultUnavailable);
    await expect(wiped).rejects.toThrow('etcd2 does not come back as itself without its data');
    await expect(stopEtcd({ member: 'etcd4' })).rejects.toThrow('no member etcd4');
    await expect(cutEtcd(cluster.node('node1'), 'refuse', 'etcd')).rejects.toThrow('no member etcd');
  });

  test('evidence has the log of each member, and who answered', async () => {
    await using _ = await cluster.fault.stopEtcd({ member: 'etcd3' });
    const evidence = await Evidence.collect(cluster, new Error('as asked'), { title: 'members' });
    const read = (file: string) => readFile(join(evidence.folder, file), 'utf8');
    for (const name of names) expect(await read(`${name}.log`)).toContain(name);
    const members = JSON.parse(await read('etcd-members.json'));
    expect(members).toMatchObject(names.map(name => ({ name, isUp: name !== 'etcd3' })));
    expect(await read('etcd-keys.json')).toContain('/subnets/');
    await evidence.discard();
  });

  test('all of it wiped comes back empty, with all members', async () => {
    await (await cluster.fault.stopEtcd({ wipe: true })).heal();
    await expect.poll(isWhole).toBe(true);
    expect((await cluster.store.members.list()).map(({ name }) => name).sort()).toEqual(names);
    const keys = (await cluster.store.dump()).map(({ key }) => key);
    expect(keys).not.toContain('/coreos.com/network/config');
  });
}

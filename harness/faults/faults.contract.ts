// Every fault on every driver that can run here: it takes effect, which each proves itself, and healing it is the end of it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../cluster.ts';
import { clusterSpec } from '../cluster-spec.ts';
import type { Driver, DriverName, NodeHandle } from '../drivers/driver.ts';
import { loadDriver } from '../drivers/index.ts';
import { onEveryDriver } from '../vitest/platforms.ts';
import { kindOf, makeFault, mendElsewhere } from './command-line.fixture.ts';
import type { Fault } from './fault.ts';
import { FaultUnavailable } from './kind.ts';
import { type KindName, kinds, wordOf } from './kinds.ts';

const signal = AbortSignal.timeout(300_000);

onEveryDriver(faultsOn);

/** What the kernel of this machine may lack, and what is then said. */
const lacking: Partial<Record<KindName, RegExp>> = {
  delay: /this kernel has no netem queue \(sch_netem\): .*, and leads no packet elsewhere: /,
  throttle: /this kernel has no tbf queue \(sch_tbf\)/,
};

/** Each kind as on a command line, and the driver it is unavailable on, with the reason. */
const cases: readonly (readonly [words: string, more?: { not?: [DriverName, RegExp] }])[] = [
  ['freeze node1'],
  ['kill node1'],
  ['term node1'],
  ['slow-start node1 1'],
  ['reboot node1'],
  ['restart-docker node1', { not: ['netns', /no dockerd runs on node1/] }],
  ['isolate node1'],
  ['isolate node1 node2'],
  ['partition node1 node2'],
  ['partition node1 node2 one-way'],
  ['lose node1 30'],
  ['duplicate node1 30'],
  ['throttle node1 1000'],
  ['delay node1 50'],
  ['shrink-mtu 1400'],
  ['shrink-mtu 1400 node2'],
  ['link-down node1'],
  ['flap node1 2'],
  ['unplug node1'],
  ['change-address node1'],
  ['stop-etcd'],
  ['pause-etcd'],
  ['pause-etcd etcd'],
  ['cut-etcd node1'],
  ['cut-etcd node1 black-hole'],
  ['half-open node1'],
  ['slow-etcd node1 300'],
  ['compact-etcd'],
  ['steal-lease node1 node2'],
  ['change-lease-mac node1'],
  ['change-lease-ip node1'],
  ['damage-lease node1'],
  ['delete-lease node1'],
  ['reserve-lease node1'],
  ['drop-forwarding node1'],
  ['reject-forwarding node1'],
  ['foreign-rules node1'],
  ['foreign-rules node1 masquerade'],
  ['flush-rules node1'],
  ['slow-iptables node1 1'],
  ['fail-iptables node1'],
  ['flush node1 routes flannel.1'],
  ['change-mac node1 flannel.1'],
  ['delete-device node1 flannel.1'],
  ['read-only-disk node1'],
  ['full-disk node1'],
];

test('lease records of etcd v2 are tampered with alike', async ({ skip }) => {
  const driver = await loadDriver('netns');
  if ((await driver.preflight()).length > 0) return skip('needs the netns driver');
  const spec = { name: 'faults-v2', driver: 'netns', nodes: 2, docker: false, etcdApi: 2 } as const;
  await using cluster = await Cluster.up(clusterSpec(spec), driver, { signal });
  await leasesOf(cluster);
});

/** The daemons stand still meanwhile: what they make of it is not what this is about. */
async function leasesOf({ nodes, store, fault }: Cluster): Promise<void> {
  await using all = new AsyncDisposableStack();
  for (const node of nodes) all.use(await fault.freeze(node));
  const [one, two] = nodes as [NodeHandle, NodeHandle];
  const lease = await store.leaseOf(one.address);
  const key = `subnets/${lease?.key}`;
  const before = await store.entry(key);
  expect(before?.ttl).toBeGreaterThan(80_000);
  const faults = {
    stolen: () => fault.stealLease(one, two),
    moved: () => fault.changeLeaseMac(one, '02:00:00:00:00:01'),
    elsewhere: () => fault.changeLeaseIp(one),
    damaged: () => fault.damageLease(one),
    deleted: () => fault.deleteLease(one),
    reserved: () => fault.reserveLease(one),
  };
  const seen: Record<string, unknown> = {};
  for (const [name, make] of Object.entries(faults)) {
    const made = await make();
    seen[name] = await store.entry(key);
    await made.heal();
    expect(await store.entry(key), name).toEqual({ ...before, ttl: expect.any(Number) });
  }
  const value = (text: string) => ({ value: expect.stringContaining(text), ttl: expect.any(Number) });
  expect(seen).toMatchObject({
    stolen: value(`"PublicIP":"${two.address}"`),
    moved: value('"VtepMAC":"02:00:00:00:00:01"'),
    elsewhere: value('"PublicIP":"192.0.2.1"'),
    damaged: value('{"PublicIP":'),
    deleted: undefined,
  });
  expect(seen.reserved).toEqual({ value: before?.value });
  const damaged = await fault.damageLease(one);
  await store.put(key, 'by somebody else');
  await damaged.heal();
  expect(await store.entry(key)).toMatchObject({ value: 'by somebody else' });
  expect(await store.replace(key, { value: 'by somebody else' }, before)).toBe(true);
}

test('every kind is here', () => {
  // A node that is off has a test of its own below, members of etcd have etcd-members.contract.ts.
  const elsewhere = ['crash', 'isolate-etcd-member', 'lose-etcd-member', 'lose-etcd-quorum'];
  const here = new Set([...elsewhere, ...cases.map(([words]) => words.split(' ')[0])]);
  expect([...here].sort()).toEqual((Object.keys(kinds) as KindName[]).map(wordOf).sort());
});

function faultsOn(driver: Driver): void {
  let cluster: Cluster;
  beforeAll(async () => {
    const spec = clusterSpec({ name: `faults-${driver.name}`, driver: driver.name, nodes: 2 });
    cluster = await Cluster.up(spec, driver, { signal });
  }, 120_000);
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000);

  test.for(cases)('%s', async ([line, { not } = {}], { skip }) => {
    const made = await makeFault(cluster, line).catch(error => error as Error);
    if (made instanceof FaultUnavailable) {
      const expected = not?.[0] === driver.name ? not[1] : lacking[kindOf(line)];
      expect(made.message).toMatch(expected ?? 'a fault that works here');
      return skip(made.message);
    }
    if (made instanceof Error) throw made;
    if (made) await mendElsewhere(cluster.spec.name, made, signal);
    await expect.poll(() => cluster.store.answers()).toBe(true);
    const node = cluster.node('node1');
    // One that ended, as it does when its lease is another's, has no supervisor on netns.
    await node.daemon.start();
    await cluster.expectConverged({ timeout: 30_000 });
    const left = `nft list tables; iptables-save; mount; ls /run; ps -e -o args | grep -v grep; ip -4 route show default`;
    const { stdout } = await node.run(['sh', '-c', left]);
    expect(stdout).not.toMatch(/lab.fault/);
    expect(stdout).toMatch(/^default via /m);
  });

  test('while a node is off, nobody reaches it, and the others go on', async () => {
    const node = cluster.node('node1');
    const off = await cluster.fault.crash(node);
    await expect(node.run(['true'])).rejects.toThrow('node1 is off');
    const cells = await cluster.expectReachable({ except: [node] });
    expect(cells).toHaveLength(2);
    await off.heal();
    await cluster.expectConverged({ timeout: 30_000 });
  });

  test('one-way, only one way is closed', async () => {
    const [one, two] = cluster.nodes as [NodeHandle, NodeHandle];
    const count = (node: NodeHandle, from: NodeHandle) =>
      node.run(['nft', '-f', '-'], {
        input: `table ip lab_seen {\nchain seen {\ntype filter hook input priority 0\nip saddr ${from.address} icmp type echo-request counter\n}\n}\n`,
      });
    await using _ = await cluster.fault.partition([one], [two], { oneWay: true });
    await Promise.all([count(one, two), count(two, one)]);
    const ping = (from: NodeHandle, to: NodeHandle) =>
      from.run(['ping', '-c', '2', '-i', '0.1', '-W', '0.2', to.address], { okCodes: [1] });
    await Promise.all([ping(one, two), ping(two, one)]);
    const seen = async (node: NodeHandle) => {
      const { stdout } = await node.run(['nft', 'list', 'table', 'ip', 'lab_seen']);
      await node.run(['nft', 'delete', 'table', 'ip', 'lab_seen']);
      return Number(/packets (\d+)/.exec(stdout)?.[1]);
    };
    expect([await seen(one), await seen(two)]).toEqual([2, 0]);
  });

  test('faults that would mend each other are refused', async () => {
    const node = cluster.node('node1');
    const second: Record<string, [() => Promise<Fault>, () => Promise<Fault>]> = {
      iptables: [() => cluster.fault.failIptables(node), () => cluster.fault.slowIptables(node)],
      '/run/flannel': [() => cluster.fault.fullDisk(node), () => cluster.fault.readOnlyDisk(node)],
    };
    for (const [what, [first, again]] of Object.entries(second)) {
      await using _ = await first();
      await expect(again()).rejects.toThrow(`${what} of node1 has such a fault already`);
    }
  });

  test('a lease is as it was, unless somebody else has written it', () => leasesOf(cluster));

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

  test('one etcd alone has no member to lose', async () => {
    const { loseEtcdMember, loseEtcdQuorum, isolateEtcdMember, stopEtcd } = cluster.fault;
    for (const lost of [loseEtcdMember('etcd'), isolateEtcdMember('etcd'), loseEtcdQuorum()]) {
      await expect(lost).rejects.toThrow(FaultUnavailable);
      await expect(lost).rejects.toThrow('has one member only');
    }
    await expect(stopEtcd({ member: 'etcd2' })).rejects.toThrow('no member etcd2');
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

  // Its service is still starting when it is done, and fails when a later fault hits what runs then.
  test('a daemon whose start is slow comes up when it has slept', async () => {
    const node = cluster.node('node1');
    await using _ = await cluster.fault.slowStart(node, 2);
    const started = performance.now();
    await cluster.restartDaemon(node, 'SIGTERM');
    expect(performance.now() - started).toBeGreaterThan(2000);
  });

  test('a wiped etcd comes back empty', async () => {
    const fault = await cluster.fault.stopEtcd({ wipe: true });
    await fault.heal();
    const keys = (await cluster.store.dump()).map(({ key }) => key);
    expect(keys).not.toContain('/coreos.com/network/config');
  });
}

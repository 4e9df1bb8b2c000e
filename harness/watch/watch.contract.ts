// Each invariant, broken on purpose behind the daemons' backs, is seen on a real cluster: by name, node and window.
import { expect, test } from 'vitest';
import { until } from '../../lib/wait.ts';
import { Cluster } from '../cluster.ts';
import { clusterSpec, type SpecInput } from '../cluster-spec.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { readyDriver } from '../drivers/index.ts';
import { subnetFile } from '../node-files.ts';
import { leaseText } from '../stored-lease.ts';
import { disturbanceLines, failureLines, timeline, type WatchReport } from './report.ts';
import type { Violation } from './spans.ts';

async function up(name: string, spec: Partial<SpecInput>): Promise<Cluster> {
  const whole = clusterSpec({ ...spec, name: `watch-${name}`, driver: 'netns' });
  const signal = AbortSignal.timeout(60_000);
  return Cluster.up(whole, await readyDriver('netns'), { signal, watch: {} });
}

const sh = (node: NodeHandle, script: string) => node.run(['sh', '-c', script]);

/** Frozen without a word to anybody, so that nothing is excused and nothing is mended. */
async function freeze(...nodes: readonly NodeHandle[]): Promise<void> {
  await Promise.all(
    nodes.map(async node => node.run(['kill', '-STOP', String((await node.daemon.state()).pid)])),
  );
}

/** The report, once it has violations of all these invariants (`name` or `name node`), or when it is too late. */
async function reportWith(cluster: Cluster, wanted: readonly string[]): Promise<WatchReport> {
  const names = ({ invariant, node }: Violation) => [invariant, `${invariant} ${node}`];
  let found: ReadonlySet<string> = new Set();
  const probe = async () => {
    const report = await cluster.watch.report();
    found = new Set(report.violations.flatMap(names));
    return wanted.every(name => found.has(name)) ? report : undefined;
  };
  return until(probe, { what: wanted.join(', '), timeout: 20_000, interval: 500 }).catch(() => {
    throw new Error(`not seen: ${wanted.filter(name => !found.has(name)).join(', ')}`);
  });
}

/** Half a file for as long as a writer takes that does not care. */
const halfWritten = `cp ${subnetFile} /run/flannel/next; truncate -s 30 ${subnetFile}; sleep 0.2; mv /run/flannel/next ${subnetFile}`;

test('each is seen on its node while it is so, and nothing is seen where all is well', async () => {
  await using cluster = await up('all', { nodes: 3 });
  const [node1, node2, node3] = ['node1', 'node2', 'node3'].map(name => cluster.node(name)) as [
    NodeHandle,
    NodeHandle,
    NodeHandle,
  ];
  await cluster.expectConverged();
  const well = await cluster.watch.report();
  expect(failureLines(well, [])).toEqual([]);
  expect(well.probes.sent).toBeGreaterThan(0);

  await freeze(node1, node2, node3);
  const lease = await cluster.store.leaseOf(node2.address);
  if (!lease?.vtepMac) throw new Error('node2 has no lease');
  const value = lease.value.replace(lease.vtepMac, '02:00:00:00:00:99');
  const half = leaseText(lease).replace('.0/24', '.128-25');
  await Promise.all([
    cluster.store.put(`subnets/${lease.key}`, value),
    cluster.store.put(`subnets/${half}`, value.replace(node2.address, '192.168.77.99')),
    sh(node1, 'bridge fdb add 02:00:00:00:00:98 dev flannel.1 dst 192.0.2.1'),
    sh(node1, 'echo "panic: close of closed channel" >>/run/lab/flanneld.log'),
    sh(node1, halfWritten),
    sh(node2, 'seq 1 400 >>/run/lab/flanneld.log'),
    sh(node2, 'iptables -A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT'),
    sh(node3, 'ip address flush dev docker0; ip address add 10.5.0.1/24 dev docker0'),
    sh(node3, 'ip route add 10.5.250.0/24 dev flannel.1'),
  ]);
  const report = await reportWith(cluster, [
    'unique-subnets',
    'one-subnet node3',
    'record-tells-device node2',
    'overlay-matches-leases node1',
    'overlay-matches-leases node3',
    'containers-reach-each-other node1',
    'containers-reach-each-other node3',
    'subnet-file-whole node1',
    'bounded-usage node2',
    'clean-log node1',
    'rules-once node2',
  ]);
  const told = failureLines(report, cluster.journal.happenings).join('\n');
  const all = report.violations.map(({ what }) => what);
  expect(all).toContain('node1 has one too many: fdb 02:00:00:00:00:98 dst 192.0.2.1');
  expect(told).toMatch(
    /clean-log \(.*\): node1 logs: panic: close of closed channel; before anything was done to the cluster/,
  );
  expect(
    report.violations.filter(({ invariant, node }) => invariant === 'rules-once' && node !== 'node2'),
  ).toEqual([]);

  await sh(node3, 'pid=$(cat /run/lab/flanneld.pid); kill -CONT $pid; kill -SEGV $pid');
  await reportWith(cluster, ['exit-codes node3']);
});

const six = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };

test.each<[string, SpecInput['config'], string]>([
  ['direct routing', { Backend: { DirectRouting: true } }, 'ip route add 10.5.250.0/24 via 192.168.77.12'],
  ['both families', six, 'ip -6 route add fd00:5:0:fffe::/64 dev flannel-v6.1'],
  ['IPv6 alone', { ...six, EnableIPv4: false }, 'ip -6 neigh flush dev flannel-v6.1 nud permanent'],
  ['alloc', { Backend: { Type: 'alloc' } }, 'ip link add flannel.1 type vxlan id 1 dstport 8472 dev eth0'],
  ['udp', { Backend: { Type: 'udp' } }, 'ip route add 10.5.250.0/24 dev flannel0'],
])('tables with %s are known', async (name, config, breaks) => {
  const spec = { name: name.replaceAll(' ', '-').toLowerCase(), nodes: 2, docker: false, config };
  await using cluster = await up(spec.name, spec);
  await cluster.expectConverged();
  expect(failureLines(await cluster.watch.report(), [])).toEqual([]);
  await freeze(cluster.node('node1'));
  await sh(cluster.node('node1'), breaks);
  const { violations } = await reportWith(cluster, ['overlay-matches-leases node1']);
  expect(violations.filter(({ node }) => node !== 'node1')).toEqual([]);
});

test('rules that are not in order, and a daemon that takes its time to end', async () => {
  await using cluster = await up('order', { nodes: 2, flags: ['-ip-masq'] });
  const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
  await cluster.expectConverged();
  await freeze(node1, node2);
  const last = 'iptables -t nat -S FLANNEL-POSTRTG | tail -n 1';
  await sh(
    node1,
    `rule=$(${last}); eval iptables -t nat -D "\${rule#-A }"; eval iptables -t nat -I "\${rule#-A }"`,
  );
  await sh(node2, 'iptables -I FORWARD -s 192.0.2.0/24 -j DROP');
  const { violations } = await reportWith(cluster, ['rules-in-order node1', 'rules-in-order node2']);
  const told = violations.map(({ what }) => what).join('\n');
  expect(told).toContain('this rule comes too late: -A FLANNEL-POSTRTG -m mark');
  expect(told).toContain('this rule may drop, and comes before the jump to FLANNEL-FWD');

  const { pid } = await node1.daemon.state();
  await Promise.all([node1.daemon.stop(), sh(node1, `sleep 5; kill -CONT ${pid}`)]);
  const ended = await reportWith(cluster, ['exit-codes node1']);
  expect(ended.violations.map(({ what }) => what).join('\n')).toMatch(
    /the daemon of node1 took 5\.\d s to end after SIGTERM/,
  );
});

test('a fault excuses what is excusable, and what is not is told with the fault', async () => {
  await using cluster = await up('faults', { nodes: 2, docker: false });
  const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
  await cluster.expectConverged();
  const fault = await cluster.fault.freeze(node1);
  await sh(node1, `ip route add 10.5.250.0/24 dev flannel.1; ${halfWritten}`);
  await sh(node1, 'echo "panic: on purpose" >>/run/lab/flanneld.log');
  await reportWith(cluster, ['clean-log node1']);
  cluster.watch.allow('clean-log', 'what is said later is said on purpose')[Symbol.dispose]();
  using _ = cluster.watch.allow('clean-log', 'the scenario writes it');
  await sh(node2, 'echo "panic: on purpose, too" >>/run/lab/flanneld.log');
  const seconds = cluster.watch.report().then(({ to }) => to);
  const later = async () => ((await cluster.watch.report()).to > (await seconds) + 5500 ? true : undefined);
  await until(later, { what: 'more time than a problem may stand', timeout: 10_000, interval: 500 });
  await fault.heal();
  const report = await cluster.watch.end();
  expect(report.violations).toEqual([
    expect.objectContaining({ invariant: 'subnet-file-whole', node: 'node1', during: fault.what }),
    expect.objectContaining({ invariant: 'clean-log', node: 'node1', during: fault.what }),
    expect.objectContaining({ invariant: 'clean-log', node: 'node2', allowed: 'the scenario writes it' }),
  ]);
  expect(failureLines(report, cluster.journal.happenings)).toHaveLength(2);
  expect(cluster.journal.happenings.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['fault', 'violation', 'healed']),
  );
  expect(timeline(report, cluster.journal.happenings)).toMatch(
    /allowed +node2 logs: panic.*\(the scenario writes it\)/,
  );
});

test('a lease that its holder forgets to renew', async () => {
  const flags = ['-subnet-lease-ttl=8s', '-subnet-lease-renew-margin=6s'];
  await using cluster = await up('renewal', { nodes: 2, docker: false, flags });
  await cluster.expectConverged();
  await freeze(cluster.node('node2'));
  const { violations } = await reportWith(cluster, ['leases-renewed node2']);
  expect(violations.filter(({ node }) => node === 'node1')).toEqual([]);
});

test('what a disturbance costs is told in numbers', async () => {
  await using cluster = await up('traffic', { nodes: 2 });
  const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
  await cluster.startPinging();
  {
    await using _ = await cluster.fault.isolate(node1, [node2]);
    const cut = async () => ((await cluster.watch.report()).outages.length > 0 ? true : undefined);
    await until(cut, { what: 'an outage', timeout: 10_000 });
  }
  await cluster.startPinging();
  const report = await cluster.watch.end();
  expect(report.outages.map(({ from, to }) => `${from} ${to}`).toSorted()).toEqual([
    'node1/a node2/a',
    'node2/a node1/a',
  ]);
  const [broken, healed] = report.disturbances;
  expect(broken).toMatchObject({ kind: 'fault', what: expect.stringContaining('node1 is cut off from') });
  expect(broken?.lost).toBeGreaterThan(100);
  expect((broken?.firstLost ?? 0) - (broken?.at ?? 0)).toBeLessThan(1000);
  // Healing has its effect a moment before it is done.
  const restored = healed?.restored ?? broken?.restored ?? Number.NaN;
  expect(Math.abs(restored - (healed?.at ?? 0))).toBeLessThan(5000);
  expect(healed?.kind).toBe('healed');
  expect(healed?.settled).toBeGreaterThanOrEqual(healed?.at ?? Number.NaN);
  expect(disturbanceLines(report)[0]).toMatch(
    /^node1 is cut off from .*: \d+ probes lost, the first after \d+\.\d+ s, .*restored (never|after .*); state settled/,
  );
  const traffic = cluster.journal.happenings.filter(({ kind }) => kind === 'traffic');
  expect(traffic).toHaveLength(4);
});

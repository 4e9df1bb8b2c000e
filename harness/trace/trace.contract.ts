// Every cause the hop verdict tells apart, broken on a real netns cluster: the right node, direction and cause, in time.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressIn } from '../../lib/ip.ts';
import { until } from '../../lib/wait.ts';
import { Cluster } from '../cluster.ts';
import { clusterSpec, type SpecInput } from '../cluster-spec.ts';
import type { NodeHandle, WorkloadHandle } from '../drivers/driver.ts';
import { netns } from '../drivers/netns/driver.ts';
import { Evidence } from '../evidence/evidence.ts';
import type { Cause } from './checks/finding.ts';
import type { Direction } from './counters.ts';
import { Tracer } from './trace.ts';
import { type Verdict, verdictLine } from './verdict.ts';

const signal = AbortSignal.timeout(300_000);

/** What is to be found out, from node1/a to node2/a. */
interface Expected {
  readonly node: string;
  readonly cause: Cause;
  readonly direction?: Direction;
  readonly hop?: string;
  readonly large?: boolean;
}

/** Breaks something and returns what mends it; `$PEER` words are filled in from the cluster. */
interface Case {
  readonly name: string;
  /** The place whose shell breaks and mends: `node1`, `node2/a`, or the underlay between the nodes. */
  readonly on: string;
  readonly breaks: string;
  readonly heals: string;
  readonly expected: Expected;
}

const seconds: number[] = [];

async function traced(cluster: Cluster): Promise<Verdict> {
  const [from, to] = [container(cluster, 'node1'), container(cluster, 'node2')];
  const verdict = await new Tracer(cluster.traceable).trace(from, to);
  seconds.push(verdict.seconds);
  return verdict;
}

function container(cluster: Cluster, node: string): WorkloadHandle {
  const [found] = cluster.node(node).workloads;
  if (!found) throw new Error(`${node} has no container`);
  return found;
}

async function expectReached(cluster: Cluster): Promise<void> {
  const verdict = await traced(cluster);
  expect(verdictLine(verdict)).toBe('node1/a reaches node2/a');
  expect(verdict).toMatchObject({ outcome: 'reached', remarks: [] });
}

/** What was broken is mended, by the case or by the daemons. */
async function untilReached(cluster: Cluster): Promise<void> {
  const argv = ['ping', '-q', '-c', '1', '-W', '0.5', container(cluster, 'node2').address] as const;
  const ping = () => container(cluster, 'node1').run(argv, { okCodes: [0, 1, 2] });
  const reached = async () => ((await ping()).code === 0 ? true : undefined);
  await until(reached, { what: 'node1/a to reach node2/a', timeout: 15_000, signal });
}

function expectVerdict(verdict: Verdict, expected: Expected): void {
  const { node, cause, direction = 'request', hop, large = false } = expected;
  const outcome = cause === 'masquerade' ? 'rewritten' : 'lost';
  const line = verdictLine(verdict);
  expect({ ...verdict.blame, outcome: verdict.outcome, large: verdict.large }, line).toMatchObject({
    node,
    cause,
    direction,
    outcome,
    large,
    ...(hop === undefined ? {} : { hop }),
  });
  expect(line).toContain(`${direction} ${outcome} on ${node} `);
  expect(verdict.seconds).toBeLessThan(3);
}

/** What the shell of a case knows of the cluster. */
async function variables(cluster: Cluster): Promise<string> {
  const leases = await cluster.store.leases();
  const words = cluster.nodes.flatMap((node, index) => {
    const lease = leases.find(({ publicIp }) => publicIp === node.address);
    const subnet = lease?.key.replace('-', '/') ?? '';
    const n = index + 1;
    const host = (number: number) => (lease?.subnet ? addressIn(lease.subnet, number) : '');
    const texts = {
      NODE: node.address,
      SUBNET: subnet,
      BASE: host(0),
      GATEWAY: host(1),
      OTHER: host(9),
      MAC: lease?.vtepMac,
    };
    return [
      ...Object.entries(texts).map(([name, value]) => `${name}${n}=${value ?? ''}`),
      `POD${n}=${node.workloads[0]?.address}`,
    ];
  });
  return words.join('\n');
}

function place(cluster: Cluster, name: string): { run: (script: string) => Promise<void> } {
  const node = cluster.nodes[0] as NodeHandle;
  // The first process of a netns cluster holds the underlay.
  const underlay = {
    run: (argv: readonly string[]) => node.run(['nsenter', '--net=/proc/1/ns/net', ...argv]),
  };
  const all = [...cluster.nodes, ...cluster.workloads];
  const found = name === 'underlay' ? underlay : all.find(one => one.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return {
    run: async script => {
      await found.run(['sh', '-ec', `${await variables(cluster)}\n${script}`]);
    },
  };
}

function suite(
  backend: string,
  nodes: number,
  cases: readonly Case[],
  more: (cluster: () => Cluster) => void,
) {
  describe(backend, () => {
    let cluster: Cluster;

    beforeAll(async () => {
      const input: SpecInput = { name: `trace-${backend}`, driver: 'netns', nodes, backend };
      cluster = await Cluster.up(clusterSpec(input), netns, { signal });
      await cluster.expectReachable();
    });
    afterAll(() => cluster?.[Symbol.asyncDispose]());

    test('all is well', async () => {
      const { outcome, remarks, findings } = await traced(cluster);
      expect({ outcome, remarks }).toEqual({ outcome: 'reached', remarks: [] });
      // docker sets the policy DROP where it turns forwarding on; rules before it may accept everything all the same.
      const wrong = Object.values(findings).flatMap(found => found.filter(({ filter }) => !filter));
      expect(wrong).toEqual([]);
    });

    test.each(cases)('$name', async ({ on, breaks, heals, expected }) => {
      const shell = place(cluster, on);
      {
        // Daemons mend what cases break. With udp they are what is traced.
        await using _frozen = await freezeAll(backend === 'udp' ? [] : cluster.nodes, cluster);
        await shell.run(breaks);
        try {
          expectVerdict(await traced(cluster), expected);
        } finally {
          await shell.run(heals);
        }
      }
      await untilReached(cluster);
    });

    more(() => cluster);

    test('nothing of ours is left on nodes and in containers', async () => {
      for (const one of [...cluster.nodes, ...cluster.workloads]) {
        expect((await one.run(['nft', 'list', 'tables'])).stdout).not.toContain('lab_trace');
      }
    });
  });
}

async function freezeAll(nodes: readonly NodeHandle[], { fault }: Cluster): Promise<AsyncDisposable> {
  const frozen = await Promise.all(nodes.map(node => fault.freeze(node)));
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.all(frozen.map(one => one.heal()));
    },
  };
}

const drop = (match: string) =>
  `nft 'add table ip x; add chain ip x f { type filter hook forward priority 0; }; add rule ip x f ${match} drop'`;

/** Between the nodes, on the way to node2; etcd is still reached. */
const parted = (match: string) =>
  `nft 'add table bridge x; add chain bridge x f { type filter hook forward priority 0; }; add rule bridge x f oifname veth12 ${match} drop'`;

const common: readonly Case[] = [
  {
    name: 'the sending container has no default route',
    on: 'node1/a',
    breaks: 'ip route del default',
    heals: 'ip route add default via $GATEWAY1',
    expected: { node: 'node1', cause: 'no-default-route', hop: 'inside node1/a' },
  },
  {
    name: 'the receiving container has no default route',
    on: 'node2/a',
    breaks: 'ip route del default',
    heals: 'ip route add default via $GATEWAY2',
    expected: { node: 'node2', cause: 'no-default-route', direction: 'answer', hop: 'inside node2/a' },
  },
  {
    name: 'a container sends to another gateway',
    on: 'node2/a',
    breaks: 'ip route replace default via $OTHER2',
    heals: 'ip route replace default via $GATEWAY2',
    expected: { node: 'node2', cause: 'wrong-gateway', direction: 'answer' },
  },
  {
    name: 'docker0 of the receiver is not of its lease',
    on: 'node2',
    breaks: 'ip address flush dev docker0; ip address add 10.5.255.1/24 dev docker0',
    heals: 'ip address flush dev docker0; ip address add $GATEWAY2/24 dev docker0',
    expected: { node: 'node2', cause: 'docker0-mismatch' },
  },
  {
    name: 'docker0 of the sender is not of its lease',
    on: 'node1',
    breaks: `ip address flush dev docker0; ip address add 10.5.255.1/24 dev docker0
ip netns exec a ip neigh flush dev eth0`,
    heals: 'ip address flush dev docker0; ip address add $GATEWAY1/24 dev docker0',
    expected: { node: 'node1', cause: 'docker0-mismatch' },
  },
  {
    name: 'docker0 is down',
    on: 'node2',
    breaks: 'ip link set docker0 down',
    heals: 'ip link set docker0 up',
    expected: { node: 'node2', cause: 'device-down' },
  },
  {
    name: 'ip_forward is off on the receiver',
    on: 'node2',
    breaks: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
    heals: 'echo 1 >/proc/sys/net/ipv4/ip_forward',
    expected: { node: 'node2', cause: 'ip-forward-off' },
  },
  {
    name: 'ip_forward is off on the sender',
    on: 'node1',
    breaks: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
    heals: 'echo 1 >/proc/sys/net/ipv4/ip_forward',
    expected: { node: 'node1', cause: 'ip-forward-off' },
  },
  {
    name: 'a rule drops what is forwarded',
    on: 'node2',
    breaks: drop('icmp type echo-request'),
    heals: 'nft delete table ip x',
    expected: { node: 'node2', cause: 'forward-drop' },
  },
  {
    name: 'a rule drops the answers',
    on: 'node1',
    breaks: drop('icmp type echo-reply'),
    heals: 'nft delete table ip x',
    expected: { node: 'node1', cause: 'forward-drop', direction: 'answer' },
  },
  {
    name: 'a rule drops large packets only',
    on: 'node2',
    breaks: drop('ip length > 1300 icmp type echo-request'),
    heals: 'nft delete table ip x',
    expected: { node: 'node2', cause: 'forward-drop', large: true },
  },
  {
    name: 'the underlay is parted',
    on: 'underlay',
    breaks: parted('ether type ip'),
    heals: 'nft delete table bridge x',
    expected: { node: 'node1', cause: 'underlay-partition' },
  },
  {
    name: 'the underlay of the peer is smaller',
    on: 'node2',
    breaks: 'ip link set eth0 mtu 1400',
    heals: 'ip link set eth0 mtu 1500',
    expected: { node: 'node2', cause: 'mtu-blackhole', large: true },
  },
  {
    name: 'the underlay swallows large packets',
    on: 'underlay',
    breaks: parted('ip length > 1400'),
    heals: 'nft delete table bridge x',
    expected: { node: 'node1', cause: 'mtu-blackhole', large: true },
  },
  {
    name: 'the source is masqueraded',
    on: 'node1',
    breaks: 'iptables -w -t nat -I POSTROUTING -s $POD1 -d $POD2 -j MASQUERADE',
    heals: 'iptables -w -t nat -D POSTROUTING -s $POD1 -d $POD2 -j MASQUERADE',
    expected: { node: 'node1', cause: 'masquerade' },
  },
];

/** For backends with routes of each peer. */
const routed: readonly Case[] = [
  {
    name: 'no route on the sender',
    on: 'node1',
    breaks: 'ip route show $SUBNET2 >/run/lab/route; ip route del $SUBNET2',
    heals: 'ip route add $(cat /run/lab/route)',
    expected: { node: 'node1', cause: 'no-route' },
  },
  {
    name: 'no route back',
    on: 'node2',
    breaks: 'ip route show $SUBNET1 >/run/lab/route; ip route del $SUBNET1',
    heals: 'ip route add $(cat /run/lab/route)',
    expected: { node: 'node2', cause: 'no-route', direction: 'answer' },
  },
  {
    name: 'a route that leads elsewhere',
    on: 'node1',
    breaks: 'ip route show $SUBNET2 >/run/lab/route; ip route replace $SUBNET2 via 192.168.77.250',
    heals: 'ip route replace $(cat /run/lab/route)',
    expected: { node: 'node1', cause: 'wrong-route' },
  },
];

const vxlan: readonly Case[] = [
  {
    name: 'no FDB entry',
    on: 'node1',
    breaks: 'bridge fdb del $MAC2 dev flannel.1 dst $NODE2',
    heals: 'bridge fdb replace $MAC2 dev flannel.1 dst $NODE2 self permanent',
    expected: { node: 'node1', cause: 'no-fdb', hop: 'between flannel.1 and eth0' },
  },
  {
    name: 'no FDB entry for the way back',
    on: 'node2',
    breaks: 'bridge fdb del $MAC1 dev flannel.1 dst $NODE1',
    heals: 'bridge fdb replace $MAC1 dev flannel.1 dst $NODE1 self permanent',
    expected: { node: 'node2', cause: 'no-fdb', direction: 'answer' },
  },
  {
    name: 'an FDB entry of another node',
    on: 'node1',
    breaks: 'bridge fdb replace $MAC2 dev flannel.1 dst $NODE3 self permanent',
    heals: 'bridge fdb replace $MAC2 dev flannel.1 dst $NODE2 self permanent',
    expected: { node: 'node1', cause: 'wrong-fdb' },
  },
  {
    name: 'an FDB entry of nobody',
    on: 'node1',
    breaks: 'bridge fdb replace $MAC2 dev flannel.1 dst 192.168.77.250 self permanent',
    heals: 'bridge fdb replace $MAC2 dev flannel.1 dst $NODE2 self permanent',
    expected: { node: 'node1', cause: 'wrong-fdb' },
  },
  {
    name: 'no neighbour',
    on: 'node1',
    breaks: 'ip neigh del $BASE2 dev flannel.1',
    heals: 'ip neigh replace $BASE2 lladdr $MAC2 dev flannel.1 nud permanent',
    expected: { node: 'node1', cause: 'no-neighbour' },
  },
  {
    name: 'a stale neighbour, with a forwarding entry of its own',
    on: 'node1',
    breaks: `ip neigh replace $BASE2 lladdr 02:00:00:00:00:09 dev flannel.1 nud permanent
bridge fdb replace 02:00:00:00:00:09 dev flannel.1 dst $NODE2 self permanent`,
    heals: `ip neigh replace $BASE2 lladdr $MAC2 dev flannel.1 nud permanent
bridge fdb del 02:00:00:00:00:09 dev flannel.1 dst $NODE2`,
    expected: { node: 'node1', cause: 'stale-neighbour' },
  },
  {
    name: 'a MAC that the lease does not know',
    on: 'node2',
    breaks: 'ip link set flannel.1 address 02:00:00:00:00:09',
    heals: 'ip link set flannel.1 address $MAC2',
    expected: { node: 'node2', cause: 'stale-mac' },
  },
  {
    name: 'flannel.1 of the receiver is down',
    on: 'node2',
    breaks: 'ip route show dev flannel.1 >/run/lab/routes; ip link set flannel.1 down',
    heals:
      'ip link set flannel.1 up; while read -r r; do ip route add $r dev flannel.1 onlink; done </run/lab/routes',
    expected: { node: 'node2', cause: 'device-down', hop: 'between eth0 and flannel.1' },
  },
  {
    name: 'flannel.1 of the sender is down',
    on: 'node1',
    breaks: 'ip route show dev flannel.1 >/run/lab/routes; ip link set flannel.1 down',
    heals:
      'ip link set flannel.1 up; while read -r r; do ip route add $r dev flannel.1 onlink; done </run/lab/routes',
    expected: { node: 'node1', cause: 'device-down', hop: 'between docker0 and flannel.1' },
  },
  {
    name: 'rp_filter and a way back elsewhere',
    on: 'node2',
    breaks: `echo 1 >/proc/sys/net/ipv4/conf/flannel.1/rp_filter
ip route add $POD1/32 via $NODE1`,
    heals: `echo 0 >/proc/sys/net/ipv4/conf/flannel.1/rp_filter
ip route del $POD1/32`,
    expected: { node: 'node2', cause: 'rp-filter' },
  },
];

/** flannel.1 as its daemon makes it, but for what is given. */
function anotherDevice(own: 1 | 2, peer: 1 | 2, options: string): string {
  return `ip link del flannel.1
ip link add flannel.1 address $MAC${own} mtu 1450 type vxlan ${options} dev eth0 local $NODE${own} nolearning
ip address add $BASE${own}/32 dev flannel.1
ip link set flannel.1 up
ip neigh replace $BASE${peer} lladdr $MAC${peer} dev flannel.1 nud permanent
bridge fdb replace $MAC${peer} dev flannel.1 dst $NODE${peer} self permanent
ip route replace $SUBNET${peer} via $BASE${peer} dev flannel.1 onlink`;
}

/** Deleted, the device is made again by the daemon. */
const remade = { heals: 'ip link del flannel.1' };

const vxlanDevices: readonly Case[] = [
  {
    name: 'another VNI on the receiver',
    on: 'node2',
    breaks: anotherDevice(2, 1, 'id 2 dstport 8472'),
    ...remade,
    expected: { node: 'node2', cause: 'wrong-vni' },
  },
  {
    name: 'another VNI on the sender',
    on: 'node1',
    breaks: anotherDevice(1, 2, 'id 2 dstport 8472'),
    ...remade,
    expected: { node: 'node1', cause: 'wrong-vni' },
  },
  {
    name: 'another port on the receiver',
    on: 'node2',
    breaks: anotherDevice(2, 1, 'id 1 dstport 4789'),
    ...remade,
    expected: { node: 'node2', cause: 'wrong-port' },
  },
  {
    name: 'flannel.1 of the receiver is gone',
    on: 'node2',
    breaks: 'ip link del flannel.1',
    heals: 'true',
    expected: { node: 'node2', cause: 'device-missing' },
  },
  {
    name: 'flannel.1 of the sender is gone',
    on: 'node1',
    breaks: 'ip link del flannel.1',
    heals: 'true',
    expected: { node: 'node1', cause: 'device-missing' },
  },
];

suite('vxlan', 3, [...common, ...routed, ...vxlan, ...vxlanDevices], cluster => {
  test('FORWARD policy DROP, and no rule that accepts', async () => {
    const node = cluster().node('node2');
    await using _frozen = await freezeAll([node], cluster());
    const rules = (await node.run(['iptables-save', '-t', 'filter'])).stdout;
    await node.run(['iptables', '-w', '-F', 'FORWARD']);
    await using _drop = await cluster().fault.dropForwarding(node);
    const verdict = await traced(cluster());
    expectVerdict(verdict, { node: 'node2', cause: 'forward-drop', hop: 'between flannel.1 and docker0' });
    expect(verdictLine(verdict)).toBe(
      'request lost on node2 between flannel.1 and docker0: FORWARD policy DROP (nft: filter/FORWARD)' +
        ' (on node2: nft list chain ip filter FORWARD)',
    );
    await node.run(['iptables-restore'], { input: rules });
  });

  test('FORWARD policy DROP that a rule makes harmless is not to blame', async () => {
    await using _drop = await cluster().fault.dropForwarding(cluster().node('node2'));
    await expectReached(cluster());
  });

  test('a node that is cut off by its own filter', async () => {
    await using _cut = await cluster().fault.isolate(cluster().node('node1'), [cluster().node('node2')]);
    expectVerdict(await traced(cluster()), { node: 'node1', cause: 'underlay-partition' });
  });

  test('an uplink that is down, of either end', async () => {
    await using _frozen = await freezeAll(cluster().nodes, cluster());
    for (const name of ['node1', 'node2']) {
      const node = cluster().node(name);
      await using _down = await cluster().fault.linkDown(node);
      expectVerdict(await traced(cluster()), { node: name, cause: 'device-down' });
    }
  });

  test('etcd that does not answer', async () => {
    await using _paused = await cluster().fault.pauseEtcd();
    const verdict = await traced(cluster());
    expect(verdict.outcome).toBe('reached');
    expect(verdict.remarks.join()).toContain('leases are taken from subnet.env');
    expect(verdict.seconds).toBeLessThan(3);
  });

  test('a matrix that fails has a verdict for its cells', async () => {
    await using _frozen = await freezeAll([cluster().node('node2')], cluster());
    const broken = place(cluster(), 'node2');
    await broken.run('echo 0 >/proc/sys/net/ipv4/ip_forward');
    const failure = await cluster()
      .expectReachable({ timeout: 500 })
      .catch(error => error as Error);
    const evidence = await Evidence.collect(cluster(), failure, {
      title: 'a matrix that fails',
      parent: await mkdtemp(join(tmpdir(), 'evidence-')),
    });
    await broken.run('echo 1 >/proc/sys/net/ipv4/ip_forward');
    const line = 'node1/a to node2/a: request lost on node2 between flannel.1 and docker0: ip_forward is off';
    expect(String(failure)).toContain(line);
    expect(await readFile(join(evidence.folder, 'verdicts.txt'), 'utf8')).toContain(line);
    await rm(dirname(evidence.folder), { recursive: true });
    await untilReached(cluster());
    expect(String(failure)).toContain('pairs are not as expected');
  });
});

/** What differs with the backend: how packets look on the underlay, and where they come in. */
const perBackend = common.filter(({ name }) => /receiver|^the underlay|masqueraded|answers/.test(name));

suite('host-gw', 3, [...perBackend, ...routed], () => {});

/** Its daemons run on, and turn ip_forward on again. */
const unmended = perBackend.filter(({ expected }) => expected.cause !== 'ip-forward-off');

suite('udp', 2, unmended, cluster => {
  test('a pump that stands still, at either end', async () => {
    for (const name of ['node1', 'node2']) {
      await using _frozen = await cluster().fault.freeze(cluster().node(name));
      expectVerdict(await traced(cluster()), { node: name, cause: 'pump-dead' });
    }
    await untilReached(cluster());
  });

  test('a pump that is dead, at either end', async () => {
    for (const name of ['node1', 'node2']) {
      const node = cluster().node(name);
      await using _dead = await cluster().fault.kill(node);
      expectVerdict(await traced(cluster()), { node: name, cause: 'pump-dead' });
    }
    await untilReached(cluster());
  });
});

afterAll(() => {
  const slowest = Math.max(...seconds);
  const mean = seconds.reduce((sum, one) => sum + one, 0) / seconds.length;
  expect(slowest, `${seconds.length} verdicts, mean ${mean.toFixed(2)} s`).toBeLessThan(3);
});

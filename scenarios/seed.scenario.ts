// A deployment by hand, step by step: a release unpacked on hosts that run docker, units put in place, services started.
import type { Cluster, NodeHandle } from '../harness/vitest/index.ts';
import { describe, expect, onEveryPlatform, test, until } from '../harness/vitest/index.ts';
import { byHand, expectDockerWaited, packaged, property, sh, type Way } from './seed-hosts.ts';
import { config, dockerOptions, type Outcome, prefix, subnetEnv } from './seed-units.ts';

interface Deployment {
  readonly way: Way;
  readonly outcome: Outcome;
  /** Writes the network configuration. */
  configure(etcdctl: Etcdctl): Promise<void>;
}

type Etcdctl = (...args: string[]) => Promise<string>;

const onEtcdV2: Deployment = {
  way: byHand,
  outcome: { mtu: 1472, ipMasq: false },
  async configure(etcdctl) {
    expect(await etcdctl('set', `${prefix}/config`, config)).toBe(`${config}\n`);
    expect(await etcdctl('ls')).toBe('/sky-mobi.com\n');
  },
};

const onEtcdV3: Deployment = {
  way: packaged,
  outcome: { mtu: 1450, ipMasq: true },
  async configure(etcdctl) {
    const vxlan = '{ "Network": "172.17.0.0/16", "Backend": { "Type": "vxlan" } }';
    expect(await etcdctl('put', `${prefix}/config`, vxlan)).toBe('OK\n');
  },
};

const drivers = ['docker'] as const;
/** A master and two minions. */
const spec = {
  nodes: 3,
  bare: true,
  etcdPrefix: prefix,
  config: { Network: '172.17.0.0/16' },
  daemons: { default: 'release' },
};

onEveryPlatform({ drivers, backends: ['udp'] }, platform => {
  test.override({ platform, spec: { ...spec, etcdApi: 2 } });

  test('by hand on etcd v2, with the units of flannel 0.7', ({ cluster, signal }) =>
    deploy(cluster, onEtcdV2, signal));
});

onEveryPlatform({ drivers, backends: ['vxlan'] }, platform => {
  test.override({ platform, spec });

  test('by hand on etcd v3, with the units of a release', ({ cluster, signal }) =>
    deploy(cluster, onEtcdV3, signal));
});

const peer = process.env.PEER_FLANNELD_071;
if (!peer) {
  describe.skip('mixed skipped: PEER_FLANNELD_071 names no flanneld 0.7.1', () => {
    test('by hand on etcd v2, beside a flanneld 0.7.1', () => {});
  });
} else {
  onEveryPlatform({ drivers, backends: ['udp'] }, platform => {
    const daemons = { ...spec.daemons, node3: `bin:${peer}` };
    test.override({ platform, spec: { ...spec, etcdApi: 2, daemons } });

    test('by hand on etcd v2, beside a flanneld 0.7.1', ({ cluster, signal }) =>
      deploy(cluster, onEtcdV2, signal));
  });
}

async function deploy(cluster: Cluster, deployment: Deployment, signal: AbortSignal): Promise<void> {
  const { way } = deployment;
  const [etcd] = cluster.etcd;
  if (!etcd) expect.unreachable('a cluster has an etcd');
  const env = { ETCDCTL_API: String(cluster.spec.etcdApi) };
  await deployment.configure(async (...args) => {
    const { stdout } = await etcd.run(['etcdctl', '--endpoints', etcd.endpoint, ...args], { env });
    return stdout;
  });

  const { nodes } = cluster;
  await onAll(nodes, async node => {
    await sh(node, 'systemctl start docker');
    expect(await docker0(node), 'before there is flannel').toBe('172.17.0.1/16');
    await way.install(node, etcd.endpoint);
    await sh(node, 'sysctl -qw net.ipv4.ip_forward=0');
  });
  {
    using _ = cluster.watch.allow('one-subnet', 'docker keeps its own docker0 until it is restarted');
    await onAll(nodes, node => sh(node, 'systemctl start flanneld'));
    await onAll(nodes.filter(isOurs), expectForwarding);
    await onAll(nodes, node => sh(node, 'systemctl restart docker'));
  }
  await onAll(nodes, expectForwarding);
  for (const node of nodes) if (!isOurs(node)) await acceptForwarded(cluster, node);
  const gateways = await onAll(nodes, node => expectFiles(node, deployment));
  expect(new Set(gateways).size).toBe(nodes.length);
  await onAll(nodes, node => node.startWorkload('a', signal));
  await cluster.expectUniqueSubnets();
  const masqueraded = !deployment.outcome.ipMasq;
  if (masqueraded) cluster.watch.allow('containers-reach-each-other', 'docker masquerades between them');
  await cluster.expectReachable({ masqueraded });

  const same = async () => {
    expect(await onAll(nodes, node => expectFiles(node, deployment))).toEqual(gateways);
    await cluster.expectReachable({ masqueraded, timeout: 20_000 });
  };
  await onAll(nodes, node => killed(cluster, node, way));
  await same();
  const [, one] = nodes;
  if (!one) expect.unreachable('three nodes');
  await cluster.fault.reboot(one);
  await expectDockerWaited(one, way);
  await same();
  await heldBack(cluster, one, way);
  await same();
}

/** systemd starts what was killed. */
async function killed(cluster: Cluster, node: NodeHandle, way: Way): Promise<void> {
  cluster.journal.note('act', `the daemon of ${node.name} is killed`);
  const [before, containers] = await Promise.all([property(node, 'docker', 'MainPID'), upSince(node)]);
  await cluster.untilSubnetFileWritten(node, async () => {
    await sh(node, 'kill -9 "$(systemctl show flanneld --property MainPID --value)"');
  });
  expect(await property(node, 'flanneld', 'NRestarts')).toBe('1');
  await sh(node, 'systemctl start flanneld docker');
  const same = [await property(node, 'docker', 'MainPID'), await upSince(node)];
  if (way.dockerFalls) expect(same, 'docker and its container start again').not.toContain(before);
  else expect(same, 'docker and its container are left alone').toEqual([before, containers]);
}

/** docker is asked to start where flanneld cannot get a subnet: it starts when there is one. */
async function heldBack(cluster: Cluster, node: NodeHandle, way: Way): Promise<void> {
  await sh(node, 'systemctl stop docker.socket docker flanneld');
  await sh(node, `rm ${way.options}`);
  const starts = async () =>
    (await property(node, 'docker', 'Job')) !== '' && (await property(node, 'flanneld', 'MainPID')) !== '0';
  {
    await using _ = await cluster.fault.stopEtcd();
    await sh(node, 'systemctl start --no-block flanneld docker');
    await until(async () => ((await starts()) ? true : undefined), {
      what: 'docker to be about to start',
      timeout: 10_000,
    });
    expect(await property(node, 'docker', 'ActiveState')).toMatch(/^(inactive|activating)$/);
    expect(await sh(node, 'pgrep dockerd || :'), 'a dockerd').toBe('');
    expect(await sh(node, `ls ${way.options} 2>/dev/null || :`)).toBe('');
  }
  await sh(node, 'systemctl start docker');
  await expectDockerWaited(node, way);
}

/** What flanneld and mk-docker-opts have written, to the byte, and what docker made of it; returns docker0's address. */
async function expectFiles(node: NodeHandle, { way, outcome }: Deployment): Promise<string> {
  const written = await sh(node, 'cat /run/flannel/subnet.env');
  const gateway = /^FLANNEL_SUBNET=(172\.17\.\d+\.1\/24)$/m.exec(written)?.[1] ?? '';
  expect(written).toBe(subnetEnv(gateway, outcome));
  expect(await sh(node, `cat ${way.options}`)).toBe(dockerOptions(gateway, outcome));
  expect(await docker0(node)).toBe(gateway);
  return gateway;
}

/** Else it is a flanneld of 0.7. */
const isOurs = (node: NodeHandle) => node.plan.daemon.tarball !== undefined;

/** What flannel 0.7 leaves to people, and what the watch does not expect of it. */
async function acceptForwarded(cluster: Cluster, node: NodeHandle): Promise<void> {
  await sh(node, 'iptables -P FORWARD ACCEPT');
  cluster.watch.allow('overlay-matches-leases', 'flannel 0.7 leaves the route of flannel0 to the kernel');
}

async function expectForwarding(node: NodeHandle): Promise<void> {
  expect(await sh(node, 'sysctl -n net.ipv4.ip_forward'), `forwarding on ${node.name}`).toBe('1\n');
}

async function docker0(node: NodeHandle): Promise<string | undefined> {
  return / inet (\S+)/.exec(await sh(node, 'ip -4 -o address show docker0'))?.[1];
}

function upSince(node: NodeHandle): Promise<string> {
  return sh(node, "docker inspect --format '{{.State.StartedAt}}' workload-a");
}

function onAll<T>(nodes: readonly NodeHandle[], act: (node: NodeHandle) => Promise<T>): Promise<T[]> {
  return Promise.all(nodes.map(act));
}

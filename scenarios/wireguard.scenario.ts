// Containers reach each other through encrypted tunnels; nodes, their keys and their families come, change and go.
import {
  type Cluster,
  describe,
  expect,
  type NodeHandle,
  onEveryPlatform,
  test,
  until,
} from '../harness/vitest/index.ts';
import { expectLargestPacket } from './largest-packet.ts';
import { expectSame } from './transfer.ts';

const here = {
  backends: ['wireguard'],
  programs: { wg: 'wireguard-tools', 'wireguard-go': 'wireguard-go' },
} as const;
const netns = { ...here, drivers: ['netns'] } as const;
const keyFile = '/run/flannel/wgkey';

async function output(node: NodeHandle, ...argv: [string, ...string[]]): Promise<string> {
  return (await node.run(argv)).stdout;
}

const publicKey = async (node: NodeHandle) =>
  (await output(node, 'wg', 'show', 'flannel-wg', 'public-key')).trim();

async function peersOf(node: NodeHandle, dev = 'flannel-wg'): Promise<readonly string[]> {
  return (await output(node, 'wg', 'show', dev, 'peers')).split('\n').filter(Boolean).sort();
}

/** Each node has all others for peers, by the keys they have now, and nobody else. */
async function expectPeers({ nodes }: Cluster, dev = 'flannel-wg'): Promise<void> {
  const keys = await Promise.all(nodes.map(publicKey));
  for (const [at, node] of nodes.entries()) {
    const peers = () => peersOf(node, dev);
    await expect.poll(peers, { timeout: 5000, message: node.name }).toEqual(keys.toSpliced(at, 1).sort());
  }
}

onEveryPlatform(here, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('containers reach each other with 1420 bytes and not one more; a node that leaves is no peer any more', async ({
    cluster,
  }) => {
    await cluster.expectUniqueSubnets();
    await cluster.expectReachable();
    await expectPeers(cluster);
    await expectLargestPacket(cluster, 1420);
    expect(await output(cluster.node('node1'), 'stat', '-c', '%a', keyFile)).toBe('600\n');
    await cluster.leave(cluster.node('node3'));
    await expectPeers(cluster);
    await cluster.expectReachable();
  });

  test('a node with a new key is followed by the others, and nobody keeps the old one', async ({
    cluster,
  }) => {
    const node = cluster.node('node1');
    const [before, { subnet }] = [await publicKey(node), await cluster.subnet(node)];
    await cluster.expectReachable();
    await node.daemon.stop();
    await node.run(['rm', keyFile]);
    await cluster.untilSubnetFileWritten(node, () => node.daemon.start());
    await expectPeers(cluster);
    expect(await publicKey(node)).not.toBe(before);
    expect((await cluster.subnet(node)).subnet).toEqual(subnet);
    await cluster.expectReachable();
  });

  test('a restart keeps the key and is no error; a device that ends is made again', async ({ cluster }) => {
    const node = cluster.node('node1');
    const key = await publicKey(node);
    await cluster.expectReachable();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await cluster.restartDaemon(node, signal);
      await cluster.expectReachable();
    }
    await node.run(['ip', 'link', 'delete', 'flannel-wg']);
    await cluster.expectLog(node, /link flannel-wg .* wireguard/);
    await cluster.expectReachable();
    expect(await publicKey(node)).toBe(key);
    await expectPeers(cluster);
    expect(await node.daemon.logs()).not.toMatch(/ error /);
  });

  test('100 MiB arrive as they were sent, and a connection outlives the restart of either daemon', async ({
    cluster,
  }) => {
    await cluster.expectReachable();
    await expectSame(cluster, 'node1', 'node2', { chunks: 100 });
    const running = expectSame(cluster, 'node2', 'node3', { chunks: 60, pause: 100 });
    await cluster.restartDaemon(cluster.node('node3'), 'SIGTERM');
    await cluster.restartDaemon(cluster.node('node2'), 'SIGKILL');
    await running;
    await expectPeers(cluster);
  });

  for (const [version, port, said] of [
    ['0.20, which publishes no port', 51_820, {}],
    ['0.28, which publishes another one than ours', 51_999, { Port: 51_999 }],
  ] as const)
    test(`a node of flannel ${version}, made by hand`, async ({ cluster }) => {
      const foreign = await cluster.boot('node4');
      const node1 = cluster.node('node1');
      const [base, device] = ['10.5.200.0', 'flannel-wg'];
      await foreign.run(['wireguard-go', device]);
      const script = `wg genkey >/run/key
wg set ${device} private-key /run/key listen-port ${port}
wg set ${device} peer ${await publicKey(node1)} endpoint ${node1.address}:51820 allowed-ips 10.5.0.0/16
ip address add ${base}/32 dev ${device}
ip link set ${device} mtu 1420 up
ip route add 10.5.0.0/16 dev ${device}`;
      await foreign.run(['sh', '-ec', script]);
      const lease = {
        PublicIP: foreign.address,
        PublicIPv6: null,
        BackendType: 'wireguard',
        BackendData: { PublicKey: await publicKey(foreign), ...said },
      };
      await cluster.store.put(`subnets/${base}-24`, JSON.stringify(lease));
      const workload = node1.workloads[0] ?? expect.unreachable();
      const ping = ['ping', '-n', '-c1', '-W1'] as const;
      const answer = async () => (await workload.run([...ping, base], { okCodes: [0, 1] })).code;
      await expect.poll(answer, { timeout: 10_000, message: `${base} from node1/a` }).toBe(0);
      await foreign.run([...ping, '-I', base, workload.address]);
    });
});

onEveryPlatform(netns, platform => {
  const PSK = 'b25lIHNlY3JldCBvZiAzMiBieXRlcywgc2hhcmVkISE=';
  const config = { Backend: { PSK, PersistentKeepaliveInterval: 7, ListenPort: 51_900, MTU: 1400 } };
  test.override({ platform, spec: { nodes: 2, config, flags: ['-v=1'] } });

  test('a shared key, keepalive, another port and MTU; no key is in the log', async ({ cluster }) => {
    await cluster.expectReachable();
    for (const node of cluster.nodes) {
      expect(await output(node, 'wg', 'show', 'flannel-wg', 'preshared-keys')).toContain(PSK);
      expect(await output(node, 'wg', 'show', 'flannel-wg', 'persistent-keepalive')).toMatch(/\t7$/m);
      expect(await output(node, 'wg', 'show', 'flannel-wg', 'endpoints')).toMatch(/:51900$/m);
      expect((await cluster.subnet(node)).mtu).toBe(1320);
      const log = await node.daemon.logs();
      const secret = (await output(node, 'cat', keyFile)).trim();
      expect(log).toContain('put wireguard-peer');
      for (const one of [PSK, secret]) expect(log).not.toContain(one);
    }
  });
});

const both = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };

/** The first node's ping over IPv6 to the second one's tunnel address, with the largest packet that fits and one more. */
async function expectIPv6({ nodes }: Cluster, dev: string): Promise<void> {
  const [one, two] = nodes;
  if (!one || !two) return expect.unreachable();
  const own = async () => {
    const shown = await output(two, 'ip', '-6', '-o', 'address', 'show', 'dev', dev, 'scope', 'global');
    return / (fd00:5:\S+)\/128 /.exec(shown)?.[1];
  };
  const address = await until(own, { what: `an address on ${dev}`, timeout: 5000 });
  const ping = (size: number) =>
    one.run(['ping', '-6', '-n', '-c1', '-W2', '-Mdo', '-s', String(size - 48), address], {
      okCodes: [0, 1, 2],
    });
  await expect.poll(async () => (await ping(1420)).code, { timeout: 10_000 }).toBe(0);
  expect((await ping(1421)).stderr).toMatch(/message too long/i);
}

for (const [Mode, dev6, endpoint] of [
  ['separate', 'flannel-wg-v6', /\t\[fd.*\]:51821$/m],
  ['auto', 'flannel-wg', /\t192.*:51820$/m],
  ['ipv6', 'flannel-wg', /\t\[fd.*\]:51820$/m],
] as const) {
  onEveryPlatform(netns, platform => {
    describe(`mode ${Mode}`, () => {
      test.override({ platform, spec: { nodes: 2, config: { ...both, Backend: { Mode } } } });

      test('both families pass', async ({ cluster }) => {
        await cluster.expectReachable();
        await expectPeers(cluster, dev6);
        expect(await output(cluster.node('node1'), 'wg', 'show', dev6, 'endpoints')).toMatch(endpoint);
        await expectIPv6(cluster, dev6);
      });
    });
  });

  if (Mode !== 'auto')
    onEveryPlatform(netns, platform => {
      const config = { ...both, EnableIPv4: false, Backend: { Mode } };
      describe(`mode ${Mode}, IPv6 alone`, () => {
        test.override({ platform, spec: { nodes: 2, config, docker: false } });

        test('IPv6 passes', async ({ cluster }) => {
          await expectIPv6(cluster, dev6);
        });
      });
    });
}

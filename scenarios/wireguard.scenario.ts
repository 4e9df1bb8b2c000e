// Containers reach each other through encrypted tunnels; nodes and their keys come, change and go.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';
import { expectLargestPacket } from './largest-packet.ts';
import { expectSame } from './transfer.ts';
import { keyFile, output, platforms, publicKey } from './wireguard-nodes.ts';

onEveryPlatform(platforms, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('containers reach each other with 1420 bytes and not one more; a node that leaves is no peer any more', async ({
    cluster,
  }) => {
    await cluster.expectUniqueSubnets();
    await cluster.expectReachable();
    await cluster.expectConverged();
    await expectLargestPacket(cluster, 1420);
    expect(await output(cluster.node('node1'), 'stat', '-c', '%a', keyFile)).toBe('600\n');
    await cluster.leave(cluster.node('node3'));
    await cluster.expectConverged();
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
    await cluster.expectConverged();
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
    await cluster.expectConverged();
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
    await cluster.expectConverged();
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
      await expect.poll(answer, { message: `${base} from node1/a` }).toBe(0);
      await foreign.run([...ping, '-I', base, workload.address]);
    });
});

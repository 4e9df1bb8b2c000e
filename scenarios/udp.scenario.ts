// Backend udp: large transfers, levels of the kernel's help beside each other, restarts under a connection, both families.
import { expect, onEveryPlatform, test, until } from '../harness/vitest/index.ts';
import { expectLargestPacket } from './largest-packet.ts';
import { expectSame } from './transfer.ts';

const backends = ['udp'];

onEveryPlatform({ backends }, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('containers reach each other with 1472 bytes and not one more, and 100 MiB arrive as they were sent', async ({
    cluster,
  }) => {
    await cluster.expectUniqueSubnets();
    await cluster.expectReachable();
    await expectLargestPacket(cluster, 1472);
    await expectSame(cluster, 'node1', 'node2', { chunks: 100 });
    await cluster.restartDaemon(cluster.node('node2'), 'SIGKILL');
    await cluster.expectReachable();
    await expectSame(cluster, 'node2', 'node3', { chunks: 100 });
  });
});

/** In the words of the log: what each of these leaves of the kernel's help. */
const levels = {
  '': /with="TSO and USO on the device, UDP_SEGMENT, UDP_GRO"|with="TSO on the device, UDP_SEGMENT, UDP_GRO"/,
  tun: /with="TSO( and USO)? on the device"/,
  'segment,gro': /with="UDP_SEGMENT, UDP_GRO"/,
  none: /with="one packet for each system call"/,
};

onEveryPlatform({ backends }, platform => {
  const offloads = Object.keys(levels);
  const flags = offloads.map((level, n) => [`node${n + 1}`, [`-udp-offload=${level}`]]);
  test.override({ platform, spec: { nodes: offloads.length, nodeFlags: Object.fromEntries(flags) } });

  test('nodes with and without help of the kernel understand each other', async ({ cluster }) => {
    for (const [n, level] of Object.values(levels).entries())
      await cluster.expectLog(cluster.node(`node${n + 1}`), level);
    await cluster.expectReachable();
    const names = cluster.nodes.map(({ name }) => name);
    for (const from of names)
      for (const to of names) if (from !== to) await expectSame(cluster, from, to, { chunks: 8 });
  });
});

onEveryPlatform({ backends }, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  test('a connection outlives the restart of either daemon, and the removal of its device', async ({
    cluster,
  }) => {
    const running = expectSame(cluster, 'node1', 'node2', { chunks: 60, pause: 100 });
    await cluster.restartDaemon(cluster.node('node2'), 'SIGTERM');
    await cluster.restartDaemon(cluster.node('node1'), 'SIGKILL');
    await cluster.node('node1').run(['ip', 'link', 'delete', 'flannel0']);
    await running;
    await cluster.expectLog(cluster.node('node1'), /carrying packets ended.*the device was removed/);
    await cluster.expectConverged();
  });
});

onEveryPlatform({ drivers: ['netns'], backends }, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  test('a new address of the uplink is used', async ({ cluster }) => {
    const node = cluster.node('node1');
    const moved = `${node.address.replace(/\d+$/, '')}99`;
    const list = async () => (await node.run(['ip', '-o', '-4', 'address', 'show', 'dev', 'eth0'])).stdout;
    const length = /\/\d+/.exec(await list())?.[0];
    await node.run(['ip', 'address', 'delete', `${node.address}${length}`, 'dev', 'eth0']);
    await node.run(['ip', 'address', 'add', `${moved}${length}`, 'dev', 'eth0']);
    await until(
      async () => ((await node.run(['ss', '-lun'])).stdout.includes(`${moved}:8285`) ? true : undefined),
      { what: `a socket at ${moved}:8285`, timeout: 15_000 },
    );
    await cluster.expectReachable({ timeout: 20_000 });
  });
});

onEveryPlatform({ drivers: ['netns'], backends }, platform => {
  const both = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };
  test.override({ platform, spec: { nodes: 2, config: both } });

  test('IPv6 goes the same way, beside IPv4', async ({ cluster }) => {
    await cluster.expectReachable();
    const bases = await Promise.all(
      cluster.nodes.map(async node => {
        const { stdout } = await node.run(['cat', '/run/flannel/subnet.env']);
        expect(stdout).toContain('FLANNEL_MTU=1452');
        return /^FLANNEL_IPV6_SUBNET=(.*)1\/64$/m.exec(stdout)?.[1] ?? expect.unreachable(stdout);
      }),
    );
    const [from = '', to = ''] = bases;
    const ping = (size: number) =>
      cluster
        .node('node1')
        .run(['ping', '-6', '-c1', '-w2', '-M', 'do', '-s', String(size - 48), '-I', from, to], {
          okCodes: [0, 1, 2],
        });
    await expect.poll(async () => (await ping(1452)).code).toBe(0);
    expect((await ping(1453)).stderr).toMatch(/message too long/i);
  });
});

if (process.env.PEER_FLANNELD)
  onEveryPlatform({ drivers: ['netns'], backends }, platform => {
    test.override({
      platform,
      spec: { nodes: 3, daemons: { node2: `bin:${process.env.PEER_FLANNELD}` } },
    });

    test('a node of another flannel takes part', async ({ cluster }) => {
      await cluster.expectReachable();
      await expectSame(cluster, 'node1', 'node2', { chunks: 20 });
      await expectSame(cluster, 'node2', 'node3', { chunks: 20 });
    });
  });

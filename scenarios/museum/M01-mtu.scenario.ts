// Large packets vanished, because the device or subnet.env had the underlay's MTU without the overhead: 0.8 to 0.9.1.
import { type Cluster, describe, expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { expectLargestPacket } from '../largest-packet.ts';

const overheads: Readonly<Record<string, number>> = { vxlan: 50, 'host-gw': 0, udp: 28 };

onEveryPlatform({ drivers: ['netns'], backends: Object.keys(overheads) }, platform => {
  const overhead = overheads[platform.backend] ?? 0;

  for (const mtu of [1280, 1450, 9000])
    describe(`underlay ${mtu}`, () => {
      test.override({ platform, spec: { nodes: 2, mtu } });

      test(`M01: on an underlay with MTU ${mtu} containers may send ${mtu - overhead}, and not one byte more`, async ({
        cluster,
      }) => {
        await expectMtu(cluster, mtu - overhead);
      });
    });
});

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({
    platform,
    spec: { nodes: 2, docker: false, config: { Backend: { Type: 'vxlan', MTU: 1400 } } },
  });

  test('M02: the MTU of the configuration counts on new, kept and re-made devices', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    await expectDevice(cluster, 1350);
    await node1.run(['ip', 'link', 'delete', 'flannel.1']);
    await cluster.expectConverged();
    await expectDevice(cluster, 1350);
    await cluster.store.putConfig({ ...cluster.spec.config, Backend: { Type: 'vxlan', MTU: 1300 } });
    for (const node of cluster.nodes) await cluster.restartDaemon(node, 'SIGTERM');
    await cluster.expectConverged();
    await expectDevice(cluster, 1250);
  });
});

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('M03: a device that is kept follows the underlay at the next start', async ({ cluster }) => {
    for (const node of cluster.nodes) {
      await node.run(['ip', 'link', 'set', 'eth0', 'mtu', '1400']);
      await cluster.restartDaemon(node, 'SIGTERM');
    }
    await cluster.expectConverged();
    await expectDevice(cluster, 1350);
  });
});

async function expectMtu(cluster: Cluster, mtu: number): Promise<void> {
  await cluster.expectReachable();
  for (const node of cluster.nodes) expect((await cluster.subnet(node)).mtu).toBe(mtu);
  if (cluster.spec.config.Backend.Type === 'vxlan') await expectDevice(cluster, mtu);
  await expectLargestPacket(cluster, mtu);
}

async function expectDevice(cluster: Cluster, mtu: number): Promise<void> {
  for (const node of cluster.nodes) {
    const { stdout } = await node.run(['ip', '-o', 'link', 'show', 'flannel.1']);
    expect(stdout).toContain(` mtu ${mtu} `);
    expect((await cluster.subnet(node)).mtu).toBe(mtu);
  }
}

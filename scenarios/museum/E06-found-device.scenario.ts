// An address or device that was already there kept the daemon from starting: E06 in 0.8 to 0.13, E07 in many versions.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

const stale = ['10.9.9.9/32', '169.254.1.1/16', '10.5.222.0/32'] as const;

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  test('E06: addresses on flannel.1 are no obstacle; only what flannel left is removed', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    await node1.daemon.stop();
    for (const address of stale) await node1.run(['ip', 'address', 'add', address, 'dev', 'flannel.1']);
    await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
    await cluster.expectConverged();
    const { stdout } = await node1.run(['ip', '-4', '-o', 'address', 'show', 'dev', 'flannel.1']);
    expect(stdout).toContain(' 10.9.9.9/32 ');
    expect(stdout).not.toContain(' 10.5.222.0/32 ');
  });

  for (const make of ['type bridge', 'type vxlan id 1 dev eth0 dstport 4789']) {
    test(`E07: a device of the name flannel.1 (${make}) is replaced`, async ({ cluster }) => {
      const node1 = cluster.node('node1');
      await node1.daemon.stop();
      await node1.run(['ip', 'link', 'delete', 'flannel.1']);
      await node1.run(['ip', 'link', 'add', 'flannel.1', ...make.split(' ')]);
      await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
      await cluster.expectConverged();
    });
  }

  test('E07: a device of another name with our VNI and port is named, and the daemon ends', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    await node1.daemon.stop();
    await node1.run(['ip', 'link', 'delete', 'flannel.1']);
    await node1.run(['ip', 'link', 'add', 'vxlan9', ...'type vxlan id 1 dev eth0 dstport 8472'.split(' ')]);
    await node1.daemon.start();
    expect(await cluster.expectEnd(node1)).toBe(1);
    await cluster.expectLog(node1, /VNI and port/);
  });
});

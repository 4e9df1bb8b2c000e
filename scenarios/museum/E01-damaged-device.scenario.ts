// A deleted flannel.1 stayed away (up to 0.27.3) or came back without peers and with a MAC nobody knew (0.27.4 on).
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('E01, F04: the device and all that stands on it come back, whatever is taken away', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    await node1.run(['ip', 'link', 'delete', 'flannel.1']);
    await cluster.expectConverged();
    await node1.run(['ip', 'link', 'set', 'flannel.1', 'down']);
    await cluster.expectConverged();
    for (const what of ['addresses', 'neighbours', 'fdb', 'routes'] as const) {
      await cluster.fault.flush(node1, what, 'flannel.1');
      await cluster.expectConverged();
    }
    const { stdout } = await node1.run(['ip', '-4', '-o', 'address', 'show', 'dev', 'flannel.1']);
    expect(stdout).toMatch(/inet 10\.5\.\d+\.0\/32 /);
  });
});

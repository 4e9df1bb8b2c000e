// Nodes with another backend ignore each other, and a changed one left device and routes of the former behind: all of upstream.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { restartTogether } from './together.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3, docker: false } });

  test('L07: a new backend counts from the next start on, and no node keeps a route of the former one', async ({
    cluster,
  }) => {
    await cluster.expectConverged();
    await cluster.store.putConfig({ ...cluster.spec.config, Backend: { Type: 'host-gw' } });
    await restartTogether(cluster);
    await cluster.expectConverged();
    for (const node of cluster.nodes)
      expect((await node.run(['ip', 'route'])).stdout).not.toContain('dev flannel.1');
  });
});

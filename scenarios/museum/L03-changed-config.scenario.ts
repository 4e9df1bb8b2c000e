// A changed network left the routes of the former one behind: all of upstream.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { restartTogether } from './together.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3, docker: false } });

  test('L03: a new network counts from the next start on, and nothing stays of the former one', async ({
    cluster,
  }) => {
    await cluster.expectConverged();
    const watches = await Promise.all(cluster.nodes.map(node => cluster.watchRoutes(node)));
    await cluster.store.putConfig({ ...cluster.spec.config, Network: '10.6.0.0/16' });
    for (const watch of watches) expect((await watch.stop({ after: 1000 })).all, 'while running').toEqual([]);
    await restartTogether(cluster);
    await cluster.expectConverged();
    for (const node of cluster.nodes) {
      expect((await cluster.subnet(node)).gateway).toMatch(/^10\.6\./);
      expect((await node.run(['ip', 'route'])).stdout).not.toContain('10.5.');
    }
  });
});

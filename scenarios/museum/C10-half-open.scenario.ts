// A connection that died without a word left the watch silent for minutes or for ever: all of upstream.
import { onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('C10: a daemon whose connection to etcd is dead hears of a new node within 30 seconds', async ({
    cluster,
  }) => {
    await cluster.expectConverged();
    await using _ = await cluster.fault.halfOpen(cluster.node('node1'));
    await cluster.join('node3');
    await cluster.expectConverged({ timeout: 30_000 });
  });
});

// Where the configuration was missing only a time-out was logged, and not which key: several versions.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 1, docker: false } });

  test('C08: a missing or empty configuration is named in full and waited for', async ({ cluster }) => {
    const { store } = cluster;
    for (const [name, text] of [
      ['node2', undefined],
      ['node3', ''],
    ] as const) {
      await (text === undefined ? store.remove('config') : store.put('config', text));
      const node = await cluster.boot(name);
      await node.daemon.start();
      await cluster.expectLog(node, /\/coreos\.com\/network\/config/);
      expect((await node.daemon.state()).running).toBe(true);
      await store.putConfig(cluster.spec.config);
      const mended = performance.now();
      await cluster.subnet(node);
      expect(performance.now() - mended).toBeLessThan(3000);
    }
    await cluster.expectConverged();
  });
});

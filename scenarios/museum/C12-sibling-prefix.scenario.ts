// Records beside or below `subnets/` (a backup, a folder) were taken for peers: 0.18 and later.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { macOf, vxlanRecord } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('C12: only keys directly below subnets/ are leases', async ({ cluster }) => {
    const { store } = cluster;
    const keys = [
      'subnets-backup/10.5.99.0-24',
      'subnets2/10.5.98.0-24',
      'subnets/x/10.5.97.0-24',
      'subnets/10.5.96.0-24/extra',
    ];
    const routes = await Promise.all(cluster.nodes.map(node => cluster.watchRoutes(node)));
    await cluster.expectConverged();
    for (const key of keys) await store.put(key, vxlanRecord('192.168.77.100', macOf(1)));
    await cluster.join('node3');
    await cluster.expectConverged();
    for (const watch of routes) {
      const { all } = await watch.stop();
      expect(all.filter(line => /10\.5\.9[6-9]\./.test(line))).toEqual([]);
    }
  });
});

// Turning IPv6 on gave every node another IPv4 subnet, and its containers other addresses: 0.17 and later.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('L05: IPv4 subnets stay when IPv6 is turned on, and when it is turned off', async ({ cluster }) => {
    const { config } = cluster.spec;
    const gateways = () => Promise.all(cluster.nodes.map(async node => (await cluster.subnet(node)).gateway));
    const before = await gateways();
    await cluster.expectConverged();
    for (const change of [{ EnableIPv6: true, IPv6Network: 'fd00:5::/48' }, {}]) {
      await cluster.store.putConfig({ ...config, ...change });
      for (const node of cluster.nodes) await cluster.restartDaemon(node, 'SIGTERM');
      expect(await gateways()).toEqual(before);
      await cluster.expectConverged();
    }
  });
});

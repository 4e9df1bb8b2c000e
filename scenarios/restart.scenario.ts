// A daemon that ends and starts again finds its subnet, and no packet notices.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({}, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`a daemon restarted after ${signal} keeps its subnet and loses no ping`, async ({ cluster }) => {
      const node = cluster.node('node1');
      await cluster.expectReachable();
      const before = await cluster.subnet(node);
      const pinging = await cluster.startPinging();
      await cluster.restartDaemon(node, signal);
      const { sent, details } = await pinging.stop();
      expect(sent).toBeGreaterThan(10);
      expect(details, 'lost pings').toEqual([]);
      expect(await cluster.subnet(node)).toEqual(before);
      await cluster.expectUniqueSubnets();
      await cluster.expectReachable();
    });
  }
});

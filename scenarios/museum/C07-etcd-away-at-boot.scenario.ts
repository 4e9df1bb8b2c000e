// A daemon that came up before etcd gave up: up to 0.5.5.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 1, docker: false } });

  for (const how of ['down', 'a black hole'] as const) {
    test(`C07: a daemon that starts while etcd is ${how} waits quietly, and is ready once it is back`, async ({
      cluster,
    }) => {
      const node2 = await cluster.boot('node2');
      const fault = await (how === 'down'
        ? cluster.fault.stopEtcd()
        : cluster.fault.cutEtcd(node2, 'black-hole'));
      await node2.daemon.start();
      const usage = await (await cluster.watchUsage(node2)).stop({ after: 4000 });
      expect(usage.logLines / usage.seconds).toBeLessThan(3);
      await node2.run(['test', '!', '-e', '/run/flannel/subnet.env']);
      await fault.heal();
      const back = performance.now();
      await cluster.subnet(node2);
      expect(performance.now() - back).toBeLessThan(how === 'down' ? 5000 : 10_000);
      await cluster.expectConverged();
    });
  }
});

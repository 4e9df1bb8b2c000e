// One dead etcd endpoint among several kept a daemon from starting: up to 0.4.1, and again with the first v3 clients.
import { onEveryPlatform, test } from '../../harness/vitest/index.ts';

/** Of the netns underlay. */
const good = 'http://192.168.77.1:2379';
/** Refuses, and answers nothing at all (RFC 5737). */
const bad = ['http://192.168.77.1:9', 'http://192.0.2.1:2379'] as const;

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 1, docker: false } });

  for (const list of [
    [...bad, good],
    [bad[1], good, bad[0]],
    [good, ...bad],
  ]) {
    test(`C09: a daemon with the endpoints ${list.join()} starts and follows`, async ({ cluster }) => {
      const flags = [`-etcd-endpoints=${list.join()}`];
      const node2 = await cluster.join('node2', { flags });
      await cluster.expectConverged();
      await (await cluster.fault.cutEtcd(node2)).heal();
      await cluster.join('node3');
      await cluster.expectConverged({ timeout: 20_000 });
    });
  }
});

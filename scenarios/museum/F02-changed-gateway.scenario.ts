// The route to a peer was not replaced when its gateway changed (0.6 to 0.8), came back every ten seconds (F03), or stayed wrong.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { hostGwRecord } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['host-gw'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('F02, F03: one route to each peer, through its gateway, whatever others do to it', async ({
    cluster,
  }) => {
    const { store } = cluster;
    const node1 = cluster.node('node1');
    const peer = 'subnets/10.5.200.0-24';
    for (const address of ['192.168.77.100', '192.168.77.101', '192.168.77.100', '192.168.77.102']) {
      await store.put(peer, hostGwRecord(address));
      await cluster.expectConverged({ timeout: 2000 });
    }
    const routes = await cluster.watchRoutes(node1);
    expect((await routes.stop({ after: 11_000 })).all, 'no flapping').toEqual([]);

    for (const wrong of ['via 192.168.77.1', 'dev lo', 'via 192.168.77.1 dev eth0 onlink']) {
      await node1.run(['ip', 'route', 'replace', '10.5.200.0/24', ...wrong.split(' ')]);
      await cluster.expectConverged({ timeout: 15_000 });
    }
    await node1.run(['ip', 'route', 'replace', 'blackhole', '10.5.200.0/24']);
    await cluster.expectConverged({ timeout: 15_000 });
  });

  test('F04: routes that were flushed, or went with the uplink, come back', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    await node1.run(['sh', '-c', 'ip route flush root 10.5.0.0/16']);
    await cluster.expectConverged();
    await (await cluster.fault.linkDown(node1)).heal();
    await cluster.expectConverged();
  });
});

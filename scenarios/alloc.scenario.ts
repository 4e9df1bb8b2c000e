// A subnet and nothing else: who routes between the nodes is somebody else, and the daemon keeps its hands off that.

import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({ backends: ['alloc'] }, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('nodes have subnets of their own, and the routes between them are their operator’s', async ({
    cluster,
  }) => {
    await cluster.expectUniqueSubnets();
    await cluster.expectReachable({ except: cluster.nodes });
    for (const { value } of await cluster.store.leases())
      expect(Object.keys(JSON.parse(value))).toEqual(['PublicIP', 'PublicIPv6']);

    const routes = async () =>
      Promise.all(cluster.nodes.map(async node => (await node.run(['ip', 'route'])).stdout));
    for (const node of cluster.nodes)
      for (const { key, publicIp = '' } of await cluster.store.leases())
        if (publicIp !== node.address)
          await node.run(['ip', 'route', 'add', key.replace('-', '/'), 'via', publicIp]);
    await cluster.expectReachable();
    const before = await routes();
    for (const node of cluster.nodes) await cluster.restartDaemon(node, 'SIGKILL');
    await cluster.expectReachable();
    expect(await routes()).toEqual(before);
  });
});

// A cluster on etcd v2, as flannel 0.7.1 has it: the daemon finds the configuration there by itself, and keeps its lease.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({ platform, spec: { nodes: 3, etcdApi: 2 } });

  test('subnets are unique, containers reach each other, and a restart changes nothing', async ({
    cluster,
  }) => {
    const facts = await cluster.expectUniqueSubnets();
    await cluster.expectReachable();
    for (const lease of await cluster.store.leases()) {
      expect(lease.value).not.toContain('PublicIPv6');
      expect(await cluster.store.timeToLive(`subnets/${lease.key}`)).toBeGreaterThan(80_000);
    }
    for (const node of cluster.nodes) await cluster.restartDaemon(node, 'SIGKILL');
    expect(await cluster.expectUniqueSubnets()).toMatchObject(facts.map(({ subnetEnv }) => ({ subnetEnv })));
    await cluster.leave(cluster.node('node3'));
    await cluster.expectReachable();
  });
});

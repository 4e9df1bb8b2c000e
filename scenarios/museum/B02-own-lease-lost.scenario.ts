// A daemon whose lease was deleted hung (0.10 to 0.13) or ended with exit code 0, so that nobody started it again (0.14 on).
import { expect, onEveryPlatform, test, until } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  for (const how of ['remove', 'revoke'] as const) {
    test(`B02: a daemon whose lease somebody ends (${how}) takes the same subnet again`, async ({
      cluster,
    }) => {
      const { store } = cluster;
      const node1 = cluster.node('node1');
      const [lease, { pid }] = await Promise.all([store.leaseOf(node1.address), node1.daemon.state()]);
      await store[how](`subnets/${lease?.key}`);
      const restored = async () => (await store.leaseOf(node1.address)) ?? undefined;
      const again = await until(restored, { what: 'node1 to restore its lease', timeout: 5000 });
      expect(again).toEqual(lease);
      expect(await store.timeToLive(`subnets/${again.key}`)).toBeGreaterThan(86_000);
      expect(await node1.daemon.state()).toEqual({ running: true, pid });
      await cluster.expectConverged();
    });
  }

  test('B02: a daemon whose subnet somebody takes ends with an error', async ({ cluster }) => {
    const { store } = cluster;
    const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
    const [own, other] = await Promise.all([store.leaseOf(node1.address), store.leaseOf(node2.address)]);
    await store.put(`subnets/${own?.key}`, other?.value.replace(node2.address, '192.168.77.99') ?? '');
    expect(await cluster.expectEnd(node1)).not.toBe(0);
    expect((await store.leases()).find(({ key }) => key === own?.key)?.publicIp).toBe('192.168.77.99');
  });
});

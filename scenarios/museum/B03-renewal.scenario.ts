// Renewals that never came (0.1, 0.11), or rewrote the record without what peers need to know (0.1).
import { expect, onEveryPlatform, test, until } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  const flags = ['-subnet-lease-ttl=8s', '-subnet-lease-renew-margin=5s'];
  test.override({ platform, spec: { nodes: 2, docker: false, flags } });

  test('B03, B04, A14: leases are renewed in time, word for word, and each former etcd lease is given back', async ({
    cluster,
  }) => {
    const { store } = cluster;
    await cluster.expectConverged();
    const routes = await cluster.watchRoutes(cluster.node('node2'));
    const before = await store.leases();
    const revisions = new Set<string>();
    const births = new Set<string>();
    const record = async () => {
      const key = `subnets/${before[0]?.key}`;
      const [stored] = (await store.dump()).filter(entry => entry.key.endsWith(key));
      revisions.add(stored?.revision ?? 'gone');
      births.add(stored?.created ?? 'gone');
      // Five seconds of margin, less the second that etcd rounds off and a busy machine.
      expect(await store.timeToLive(key)).toBeGreaterThanOrEqual(1);
      expect(await store.leaseCount()).toBeLessThanOrEqual(cluster.nodes.length + 2);
      return revisions.size > 3 ? true : undefined;
    };
    const started = performance.now();
    await until(record, { what: 'three renewals', timeout: 30_000 });
    expect(performance.now() - started).toBeGreaterThan(5000);
    expect([...births], 'the lease was never lost').toHaveLength(1);
    expect(await store.leases()).toEqual(before);
    for (const lease of before) expect(JSON.parse(lease.value)).toMatchObject({ PublicIPv6: null });
    expect((await routes.stop()).all).toEqual([]);

    // Somebody who reads the renewed records for the first time can use them.
    await cluster.join('node3');
    await cluster.expectConverged();
  });
});

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  const flags = ['-subnet-lease-ttl=14s', '-subnet-lease-renew-margin=10s'];
  test.override({ platform, spec: { nodes: 2, docker: false, flags } });

  test('B07: an outage in the time for renewal costs no lease if it is shorter than the margin', async ({
    cluster,
  }) => {
    const { store } = cluster;
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    const key = `subnets/${(await store.leaseOf(node1.address))?.key}`;
    const created = async () => (await store.dump()).find(stored => stored.key.endsWith(key))?.created;
    const before = await created();
    const left = async () => (await store.timeToLive(key)) ?? 0;
    await using cut = await cluster.fault.cutEtcd(node1);
    // Renewal is due after four seconds of the fourteen, and an attempt may take two and a half.
    const tried = async () => ((await left()) <= 6 ? true : undefined);
    await until(tried, { what: 'a renewal to fail', timeout: 15_000, interval: 50 });
    await cut.heal();
    const renewed = async () => ((await left()) > 9 ? true : undefined);
    await until(renewed, { what: 'the renewal', timeout: 8000, interval: 50 });
    expect(await created(), 'the lease was never lost').toBe(before);
  });
});

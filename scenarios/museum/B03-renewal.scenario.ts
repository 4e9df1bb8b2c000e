// Renewals that never came (0.1, 0.11), or rewrote the record without what peers need to know (0.1).
import { expect, onEveryPlatform, test, until } from '../../harness/vitest/index.ts';
import { shortLease } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false, flags: shortLease } });

  test('B03, B04, A14: leases are renewed in time, word for word, and each former etcd lease is given back', async ({
    cluster,
  }) => {
    const { store } = cluster;
    await cluster.expectConverged();
    const routes = await cluster.watchRoutes(cluster.node('node2'));
    const before = await store.leases();
    const revisions = new Set<string>();
    const record = async () => {
      const key = `subnets/${before[0]?.key}`;
      const [stored] = (await store.dump()).filter(entry => entry.key.endsWith(key));
      revisions.add(stored?.revision ?? 'gone');
      // Three seconds of margin, less the second that etcd rounds off and a busy machine.
      expect(await store.timeToLive(key)).toBeGreaterThanOrEqual(1);
      expect(await store.leaseCount()).toBeLessThanOrEqual(cluster.nodes.length + 2);
      return revisions.size > 3 ? true : undefined;
    };
    const started = performance.now();
    await until(record, { what: 'three renewals', timeout: 30_000 });
    expect(performance.now() - started).toBeGreaterThan(5000);
    expect(revisions).not.toContain('gone');
    expect(await store.leases()).toEqual(before);
    for (const lease of before) expect(JSON.parse(lease.value)).toMatchObject({ PublicIPv6: null });
    expect((await routes.stop()).all).toEqual([]);

    // Somebody who reads the renewed records for the first time can use them.
    await cluster.join('node3');
    await cluster.expectConverged();
  });

  test('B07: an outage that is shorter than the margin costs no lease', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    const lease = await cluster.store.leaseOf(node1.address);
    const routes = await cluster.watchRoutes(cluster.node('node2'));
    const key = `subnets/${lease?.key}`;
    const due = async () => (((await cluster.store.timeToLive(key)) ?? 0) <= 3 ? true : undefined);
    await using cut = await cluster.fault.cutEtcd(node1);
    await until(due, { what: 'the renewal to be due', timeout: 10_000, interval: 20 });
    await cut.heal();
    const renewed = async () => (((await cluster.store.timeToLive(key)) ?? 0) > 4 ? true : undefined);
    await until(renewed, { what: 'the renewal', timeout: 5000, interval: 20 });
    expect((await routes.stop()).all).toEqual([]);
  });
});

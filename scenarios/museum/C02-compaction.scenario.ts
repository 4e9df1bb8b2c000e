// After a compaction the watch failed for ever, thousands of times a second, or went silent: 0.18 to 0.28.8.
import { type Cluster, expect, onEveryPlatform, test, until } from '../../harness/vitest/index.ts';
import { vxlanPeers } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('C02: a daemon cut off during a compaction catches up, and both its watches live on', async ({
    cluster,
  }) => {
    const cut = await cluster.fault.cutEtcd(cluster.node('node1'));
    await missHistory(cluster);
    await cut.heal();
    await expectAttentive(cluster);
  });

  test('C02: a daemon frozen during a compaction catches up, and both its watches live on', async ({
    cluster,
  }) => {
    const frozen = await cluster.fault.freeze(cluster.node('node1'));
    await missHistory(cluster);
    await frozen.heal();
    await expectAttentive(cluster);
  });

  test('C02: a daemon that cannot read anew ends within five seconds of SIGTERM', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    await using _ = await cluster.fault.cutEtcd(node1, 'black-hole');
    await missHistory(cluster);
    const asked = performance.now();
    expect(await node1.daemon.stop()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5000);
  });

  test('C02: compactions while connected change nothing', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    const [routes, usage] = await Promise.all([cluster.watchRoutes(node1), cluster.watchUsage(node1)]);
    for (let round = 0; round < 5; round++) {
      await cluster.store.bump(5);
      await cluster.store.compact();
    }
    expect((await usage.stop()).logLines).toBeLessThan(10);
    await cluster.join('node3');
    await cluster.expectConverged();
    expect((await routes.stop()).deleted).toEqual([]);
  });
});

/** Nobody who was away can follow what happened here event by event. */
async function missHistory(cluster: Cluster): Promise<void> {
  const { store } = cluster;
  const [[key, value] = ['', '']] = Object.entries(vxlanPeers(200, 1));
  await store.put(key, value);
  await store.bump(50);
  await cluster.join('node3');
  await store.remove(key);
  await store.compact();
}

async function expectAttentive(cluster: Cluster): Promise<void> {
  const { store } = cluster;
  const node1 = cluster.node('node1');
  const usage = await cluster.watchUsage(node1);
  await cluster.expectConverged({ timeout: 10_000 });
  await store.transaction(vxlanPeers(210, 2));
  await cluster.expectConverged({ timeout: 10_000 });
  expect((await usage.stop({ after: 2000 })).logLines).toBeLessThan(20);

  // A lost lease is put back or, by upstream, ended for.
  const lease = await store.leaseOf(node1.address);
  await store.remove(`subnets/${lease?.key}`);
  const noticed = async () => {
    const { running } = await node1.daemon.state();
    return !running || (await store.leaseOf(node1.address)) ? true : undefined;
  };
  await until(noticed, { what: 'node1 to miss its lease', timeout: 10_000 });
}

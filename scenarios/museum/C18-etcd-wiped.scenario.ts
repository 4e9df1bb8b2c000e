// After etcd came back empty or older, daemons stayed deaf and their subnets were given away: all of upstream.
import { expect, onEveryPlatform, test, until } from '../../harness/vitest/index.ts';
import { shortLease } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false, flags: shortLease } });

  test('C18: daemons put their leases into an etcd that came back empty, and follow it', async ({
    cluster,
  }) => {
    const { store } = cluster;
    const before = await store.leases();
    await store.bump(20);
    {
      await using _ = await cluster.fault.stopEtcd({ wipe: true });
    }
    await store.putConfig(cluster.spec.config);
    const back = async () => ((await store.leases()).length === before.length ? true : undefined);
    await until(back, { what: 'all leases to be back', timeout: 15_000 });
    expect(await store.leases()).toEqual(before);
    await cluster.join('node3');
    await cluster.expectConverged();
  });
});

// A subnet reserved for a node (a record without a lease) became an ordinary lease, and was gone after a day away: 0.18 on.
import { expect, onEveryPlatform, test, until } from '../../harness/vitest/index.ts';
import { macOf, shortLease, vxlanRecord } from './records.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 1, docker: false, flags: shortLease } });

  test('A09: a reservation is used by its node, stays one, and is nobody else’s', async ({ cluster }) => {
    const { store } = cluster;
    const key = 'subnets/10.5.77.0-24';
    await store.put(key, vxlanRecord('192.168.77.12', macOf(1)));
    const node2 = await cluster.join('node2');
    expect((await cluster.subnet(node2)).gateway).toBe('10.5.77.1/24');
    expect(await store.timeToLive(key)).toBeUndefined();
    await cluster.expectConverged();

    // Meanwhile the ordinary lease is renewed, and would be over otherwise.
    const node1 = await store.leaseOf(cluster.node('node1').address);
    const revision = async () =>
      (await store.dump()).find(stored => stored.key.endsWith(node1?.key ?? ''))?.revision;
    const before = await revision();
    const renewed = async () => ((await revision()) === before ? undefined : true);
    await until(renewed, { what: 'a renewal', timeout: 15_000 });
    expect(await store.timeToLive(key)).toBeUndefined();

    await node2.daemon.stop();
    await store.putConfig({ ...cluster.spec.config, SubnetMin: '10.5.77.0', SubnetMax: '10.5.77.0' });
    const node3 = await cluster.boot('node3');
    await node3.daemon.start();
    await cluster.expectLog(node3, /out of subnets/);
    expect((await store.leaseOf(node2.address))?.key).toBe('10.5.77.0-24');
    await cluster.untilSubnetFileWritten(node2, () => node2.daemon.start());
    expect((await cluster.subnet(node2)).gateway).toBe('10.5.77.1/24');
  });
});

// Members of an etcd of three are lost, fall silent, and come back: no packet is lost over it, and no lease.
import { type Cluster, expect, onEveryPlatform, test, until } from '../harness/vitest/index.ts';
import { vxlanPeers } from './museum/records.ts';

/** A lease comes and goes; all daemons follow, whoever of etcd they listen to. */
async function expectFollowed(cluster: Cluster, timeout: number): Promise<void> {
  const [[key, value]] = Object.entries(vxlanPeers(250, 1)) as [[string, string]];
  await cluster.store.put(key, value);
  await cluster.expectConverged({ timeout });
  await cluster.store.remove(key);
  await cluster.expectConverged({ timeout });
}

onEveryPlatform({ backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3, etcdMembers: 3 } });

  test('each member of etcd is lost, and another comes in its place, and nobody notices', async ({
    cluster,
  }) => {
    await cluster.expectConverged();
    const before = await cluster.store.leases();
    const pinging = await cluster.startPinging();
    // One by one, because whichever a daemon listens to is among them.
    for (const [index, { name }] of cluster.etcd.entries()) {
      await using _ = await cluster.fault.loseEtcdMember(name);
      await expectFollowed(cluster, 10_000);
      if (index === 0) {
        await cluster.join('node4');
        await cluster.expectUniqueSubnets();
      }
    }
    expect((await pinging.stop()).details, 'lost pings').toEqual([]);
    expect(await cluster.store.leases()).toEqual(expect.arrayContaining([...before]));
    for (const node of cluster.nodes) expect((await node.daemon.state()).running).toBe(true);
  });
});

// Silence is alike on all drivers, and is noticed after ten seconds each time.
onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false, etcdMembers: 3 } });

  test('a member that falls silent is left for the others', async ({ cluster }) => {
    await cluster.expectConverged();
    const before = await cluster.store.leases();
    for (const { name } of cluster.etcd) {
      await using _ = await cluster.fault.isolateEtcdMember(name);
      // Silence is noticed by keep-alives.
      await expectFollowed(cluster, 30_000);
    }
    expect(await cluster.store.leases()).toEqual(before);
  });
});

onEveryPlatform({ backends: ['vxlan'] }, platform => {
  // A renewal is due three seconds after the one before.
  const flags = ['-subnet-lease-ttl=12s', '-subnet-lease-renew-margin=9s'];
  test.override({ platform, spec: { nodes: 3, etcdMembers: 3, flags } });

  test('without a quorum of etcd packets flow as ever, and with it leases are renewed as ever', async ({
    cluster,
  }) => {
    const { store } = cluster;
    await cluster.expectConverged();
    const before = await leasesOf(cluster);
    const pinging = await cluster.startPinging();
    const lost = await cluster.fault.loseEtcdQuorum();
    const usage = await (await cluster.watchUsage(cluster.node('node1'))).stop({ after: 8000 });
    expect(usage.cpu).toBeLessThan(0.2);
    expect(usage.logLines / usage.seconds).toBeLessThan(5);
    await cluster.expectReachable();
    await lost.heal();
    const healed = new Set((await leasesOf(cluster)).map(({ revision }) => revision));
    const renewed = async () => {
      const now = await leasesOf(cluster);
      return now.every(({ revision }) => !healed.has(revision)) ? now : undefined;
    };
    const after = await until(renewed, { what: 'a renewal of every lease', timeout: 12_000 });
    const born = (leases: Leases) => leases.map(({ key, created }) => ({ key, created }));
    expect(born(after), 'no lease was lost').toEqual(born(before));
    await expectFollowed(cluster, 10_000);
    expect(await store.leaseCount()).toBeLessThanOrEqual(cluster.nodes.length + 2);
    expect((await pinging.stop()).details, 'lost pings').toEqual([]);
  });
});

type Leases = Awaited<ReturnType<typeof leasesOf>>;

async function leasesOf({ store }: Cluster) {
  return (await store.dump()).filter(({ key }) => key.includes('/subnets/'));
}

// A node that was suspended for longer than its lease overwrote the record of the subnet's new owner: all of upstream.
import { type Cluster, expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { shortLease } from './records.ts';

const config = { SubnetMin: '10.5.1.0', SubnetMax: '10.5.2.0' };

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false, config, flags: shortLease } });

  test('B01: a daemon that wakes after its lease ended leaves the new owner alone', async ({ cluster }) => {
    const frozen = await cluster.fault.freeze(cluster.node('node1'));
    await expectNewOwnerStays(cluster, () => frozen.heal());
  });

  test('B01: a daemon that reaches etcd again after its lease ended leaves the new owner alone', async ({
    cluster,
  }) => {
    const cut = await cluster.fault.cutEtcd(cluster.node('node1'), 'black-hole');
    await expectNewOwnerStays(cluster, () => cut.heal());
  });
});

async function expectNewOwnerStays(cluster: Cluster, wake: () => Promise<void>): Promise<void> {
  const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
  const { gateway } = await cluster.subnet(node1);
  // Both subnets are taken, so this waits until node1's is free.
  const node3 = await cluster.join('node3');
  expect((await cluster.subnet(node3)).gateway).toBe(gateway);
  const record = await cluster.store.leaseOf(node3.address);
  await wake();
  expect(await cluster.expectEnd(node1)).toBe(1);
  await cluster.expectLog(node1, /leased to 192\.168\.77\.13/);
  expect((await cluster.store.leaseOf(node3.address))?.key).toBe(record?.key);
  expect(await cluster.store.leaseOf(node1.address)).toBeUndefined();

  await cluster.leave(node2);
  await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
  await cluster.expectConverged();
}

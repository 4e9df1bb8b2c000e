// A leftover lease with the node's own address made a route to itself: up to 0.5.2.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';
import { hostGwRecord, macOf, vxlanRecord } from './records.ts';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({ platform, spec: { nodes: 2, docker: false } });

  test('F05: a node never routes to itself', async ({ cluster }) => {
    const { store } = cluster;
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    const record =
      platform.backend === 'vxlan' ? vxlanRecord(node1.address, macOf(1)) : hostGwRecord(node1.address);
    const own = await store.leaseOf(node1.address);
    const routes = await cluster.watchRoutes(node1);
    await store.put('subnets/10.5.99.0-24', record);
    // As a renewal does.
    await store.put(`subnets/${own?.key}`, own?.value ?? '');
    await cluster.join('node3');
    await store.remove('subnets/10.5.99.0-24');
    await cluster.expectConverged();
    expect((await routes.stop()).all.filter(line => line.includes('10.5.99.0'))).toEqual([]);
  });
});

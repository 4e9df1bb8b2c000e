// Nodes come and go; the others follow.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({}, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  test('a node that joins a running cluster reaches and is reached by everybody', async ({ cluster }) => {
    await cluster.expectReachable();
    await cluster.join('node3');
    await cluster.expectUniqueSubnets();
    const matrix = await cluster.expectReachable();
    expect(matrix).toHaveLength(6);
  });

  test('a node that leaves disappears from the routes of all others', async ({ cluster }) => {
    const leaving = await cluster.join('node3');
    await cluster.expectReachable();
    const { subnet } = await cluster.subnet(leaving);
    const others = cluster.nodes.filter(node => node !== leaving);
    await cluster.expectRoute(subnet, others);
    await cluster.leave(leaving);
    await cluster.expectNoRoute(subnet);
    await cluster.expectReachable();
  });
});

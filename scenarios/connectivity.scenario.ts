// Every node has a subnet of its own, docker0 is that subnet, and every container reaches every other one.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({}, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('subnets are unique, docker0 carries them, and containers reach each other both ways', async ({
    cluster,
  }) => {
    const facts = await cluster.expectUniqueSubnets();
    expect(facts.map(fact => fact.docker0?.address)).toEqual(facts.map(fact => fact.subnetEnv?.gateway));
    const matrix = await cluster.expectReachable();
    expect(matrix).toHaveLength(6);
  });
});

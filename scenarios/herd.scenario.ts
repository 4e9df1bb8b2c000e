// Eight daemons start in the same instant where exactly eight subnets are free: all must win one.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({}, platform => {
  test.override({
    platform,
    spec: {
      nodes: 8,
      docker: false,
      config: { Network: '10.5.0.0/16', SubnetMin: '10.5.8.0', SubnetMax: '10.5.15.0' },
    },
  });

  test('eight daemons at once get eight distinct subnets out of eight', async ({ cluster }) => {
    const facts = await cluster.expectUniqueSubnets();
    expect(new Set(facts.map(fact => fact.lease?.key)).size).toBe(8);
  });
});

// Of daemons started in the same instant some ended with "subnet already exists" (0.18 and later) or missed peers (C15).
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({
    platform,
    spec: {
      nodes: 8,
      docker: false,
      config: { Network: '10.5.0.0/16', SubnetMin: '10.5.8.0', SubnetMax: '10.5.15.0' },
    },
  });

  test('A02: eight daemons at once get eight distinct subnets out of eight', async ({ cluster }) => {
    const facts = await cluster.expectUniqueSubnets();
    expect(new Set(facts.map(fact => fact.lease?.key)).size).toBe(8);
    await cluster.expectConverged();
  });
});

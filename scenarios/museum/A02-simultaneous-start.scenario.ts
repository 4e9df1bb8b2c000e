// Of daemons started in the same instant some ended with "subnet already exists" (0.18 and later) or missed peers (C15).
// With IPv6 too, some got one IPv4 subnet: the key that had to be new names both.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

const eight = { Network: '10.5.0.0/16', SubnetMin: '10.5.8.0', SubnetMax: '10.5.15.0' };

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({ platform, spec: { nodes: 8, docker: false, config: eight } });

  test('A02: eight daemons at once get eight distinct subnets out of eight', async ({ cluster }) => {
    const facts = await cluster.expectUniqueSubnets();
    expect(new Set(facts.map(fact => fact.lease?.key)).size).toBe(8);
    await cluster.expectConverged();
  });
});

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  const config = { ...eight, EnableIPv6: true, IPv6Network: 'fd00:5::/48' };
  test.override({ platform, spec: { nodes: 8, docker: false, config } });

  test('A02: eight daemons at once with IPv6 too share no IPv4 subnet', async ({ cluster }) => {
    const facts = await cluster.expectUniqueSubnets();
    const subnets = facts.map(fact => fact.lease?.key.split('&')[0]);
    expect(new Set(subnets).size).toBe(8);
  });
});

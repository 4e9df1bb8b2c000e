// What people write into the configuration may be wrong: the daemon says what, and goes on when it is mended.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

const bad = [
  ['text that is not JSON', '{"Network": "10.5.0.0/16"', /JSON/],
  ['a network that is too small', '{"Network":"10.5.0.0/30"}', /Network.*10\.5\.0\.0\/30/],
  [
    'a range that is upside down',
    '{"Network":"10.5.0.0/16","SubnetMin":"10.5.9.0","SubnetMax":"10.5.3.0"}',
    /SubnetM(in|ax).*10\.5\.(9|3)\.0/,
  ],
  ['an unknown backend', '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlam"}}', /vxlam/],
] as const;

onEveryPlatform({ backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  test('each kind of bad config is named in the log, and the daemon starts once it is mended', async ({
    cluster,
  }) => {
    const node = cluster.node('node1');
    const before = await cluster.subnet(node);
    await node.daemon.stop();
    for (const [what, config, complaint] of bad) {
      await cluster.store.put('config', config);
      await node.daemon.start();
      const lines = await cluster.expectLog(node, complaint);
      expect(lines.join('\n'), what).toContain('/coreos.com/network/config');
      expect((await node.daemon.state()).running, what).toBe(true);
    }
    await cluster.untilSubnetFileWritten(node, () => cluster.store.putConfig(cluster.spec.config));
    expect(await cluster.subnet(node)).toEqual(before);
    await cluster.expectReachable();
  });
});

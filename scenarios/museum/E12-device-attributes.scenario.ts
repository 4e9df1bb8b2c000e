// The device took routes from router advertisements, up to 0.12, and learned forwarding entries although not asked to.
import { describe, expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  for (const learning of [false, true])
    describe(`Learning ${learning}`, () => {
      test.override({
        platform,
        spec: { nodes: 1, docker: false, config: { Backend: { Type: 'vxlan', Learning: learning } } },
      });

      test(`E12: the device accepts no router advertisements, and learns only if asked to`, async ({
        cluster,
      }) => {
        const node1 = cluster.node('node1');
        await cluster.expectConverged();
        const advertisements = async () =>
          (await node1.run(['cat', '/proc/sys/net/ipv6/conf/flannel.1/accept_ra'])).stdout.trim();
        await expect.poll(advertisements).toBe('0');
        const { stdout } = await node1.run(['ip', '-d', 'link', 'show', 'flannel.1']);
        expect(stdout.includes(' nolearning ')).toBe(!learning);
      });
    });
});

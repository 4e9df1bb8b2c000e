// After the uplink was taken down or replaced the overlay was dead (up to 0.27.3), or the daemon panicked (to 0.28.4).
import { describe, expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  const config = (DirectRouting: boolean) => ({ Backend: { Type: platform.backend, DirectRouting } });

  for (const direct of platform.backend === 'vxlan' ? [false, true] : [false]) {
    describe(`DirectRouting ${direct}`, () => {
      test.override({ platform, spec: { nodes: 2, config: config(direct) } });

      test(`E03: the overlay is whole again after the uplink was down or is a new one`, async ({
        cluster,
      }) => {
        const node1 = cluster.node('node1');
        await cluster.expectReachable();
        await (await cluster.fault.linkDown(node1)).heal();
        await cluster.expectReachable({ timeout: 20_000 });
        const unplugged = await cluster.fault.unplug(node1);
        await cluster.expectReachable({ except: [node1] });
        await unplugged.heal();
        await cluster.expectReachable({ timeout: 20_000 });
        expect((await node1.daemon.state()).running).toBe(true);
        if (!direct) await cluster.expectConverged();
      });
    });
  }
});

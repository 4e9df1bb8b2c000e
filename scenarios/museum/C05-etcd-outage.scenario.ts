// While etcd was away daemons used a whole processor and filled the log, and stayed deaf afterwards: 0.21.3 to 0.26.3.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

/** Milliseconds of each outage. */
const outage = 5000;

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  for (const kind of ['stopped', 'paused', 'black hole'] as const) {
    test(`C05: an outage (etcd ${kind}) costs nothing and is over when it is over`, async ({ cluster }) => {
      const node1 = cluster.node('node1');
      await cluster.expectConverged();
      const pinging = await cluster.startPinging();
      const fault =
        kind === 'stopped'
          ? await cluster.fault.stopEtcd()
          : kind === 'paused'
            ? await cluster.fault.pauseEtcd()
            : await cluster.fault.cutEtcd(node1, 'black-hole');
      const usage = await (await cluster.watchUsage(node1)).stop({ after: outage });
      expect(usage.cpu).toBeLessThan(0.2);
      expect(usage.logLines / usage.seconds).toBeLessThan(5);
      await fault.heal();
      await cluster.join('node3');
      await cluster.expectConverged({ timeout: kind === 'black hole' ? 30_000 : 10_000 });
      expect((await pinging.stop()).details, 'lost pings').toEqual([]);
    });
  }

  test('C20: connections that come and go leave no open files behind', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    const usage = await cluster.watchUsage(node1);
    for (let round = 0; round < 15; round++) await (await cluster.fault.cutEtcd(node1)).heal();
    await cluster.join('node3');
    await cluster.expectConverged();
    const { moreFiles, logLines } = await usage.stop();
    // Tools that are kept running for a moment have a few; fifteen connections would be more.
    expect(moreFiles).toBeLessThanOrEqual(10);
    expect(logLines).toBeLessThan(50);
  });
});

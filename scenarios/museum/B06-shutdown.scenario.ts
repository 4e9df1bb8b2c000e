// SIGTERM in some states ended in a stack trace or a wrong exit code: "close of closed channel", 0.21.3 to 0.26.2.
import {
  type Cluster,
  expect,
  type NodeHandle,
  onEveryPlatform,
  test,
  until,
} from '../../harness/vitest/index.ts';

/** Before it has begun to run, no program can do anything about a signal. */
const firstWord = { what: "the daemon's first line", timeout: 10_000, interval: 5 };

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  const allow = { 'exit-codes': 'told to end twice, a daemon may do so on the spot' };
  test.override({ platform, spec: { nodes: 1, docker: false, watch: { allow } } });

  test('B06: SIGTERM ends a daemon with 0, at once and tidily, whatever it is doing', async ({ cluster }) => {
    const { store } = cluster;
    const node1 = cluster.node('node1');
    const node2 = await cluster.boot('node2');

    const lease = await store.leaseOf(node1.address);
    await store.remove(`subnets/${lease?.key}`);
    await expectCleanEnd(cluster, node1, 'its lease was deleted a moment ago');

    await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
    await store.compact();
    await expectCleanEnd(cluster, node1, 'serving');

    const moments = [0, 10, 20, 40, 60, 80, 100, 130, 160, 200, 250, 300, 400];
    for (const moment of moments) {
      const said = await node1.daemon.logs();
      await node1.daemon.start();
      await until(async () => ((await node1.daemon.logs()) === said ? undefined : true), firstWord);
      await new Promise(resolve => setTimeout(resolve, moment));
      await expectCleanEnd(cluster, node1, `${moment} ms after its first word`);
    }

    await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
    {
      await using _ = await cluster.fault.stopEtcd();
      await expectCleanEnd(cluster, node1, 'etcd is away');
      await node2.daemon.start();
      await cluster.expectLog(node2, /etcd|connection refused|dial/);
      await expectCleanEnd(cluster, node2, 'waiting for etcd');
    }
    await store.remove('config');
    await node2.daemon.start();
    await cluster.expectLog(node2, /network\/config|key not found/);
    await expectCleanEnd(cluster, node2, 'waiting for the configuration');
    await store.putConfig(cluster.spec.config);

    await node1.daemon.start();
    await cluster.expectConverged({ except: [node2] });
    const { pid } = await node1.daemon.state();
    await node1.run(['sh', '-c', `kill -TERM ${pid} && { kill -TERM ${pid} || true; }`]);
    // The second one may end it on the spot, or find nobody any more.
    expect([0, 143], 'told twice').toContain(await cluster.expectEnd(node1, 5000));
  });
});

async function expectCleanEnd(cluster: Cluster, node: NodeHandle, when: string): Promise<void> {
  const asked = performance.now();
  expect(await node.daemon.stop(), when).toBe(0);
  expect(performance.now() - asked, when).toBeLessThan(5000);
  expect(await node.daemon.logs(), when).not.toMatch(/panic|goroutine|[Uu]nhandled|^\s+at .*:\d+:\d+/m);
  const { stdout } = await node.run(['find', '/run/flannel', '-type', 'f', '-name', '.*']);
  expect(stdout, `${when}: files left behind on ${cluster.spec.name}`).toBe('');
}

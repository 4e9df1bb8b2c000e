// F08: with -ip-blackhole-route what is sent to a missing container ends at its host, and containers that are there answer.
import { type Cluster, expect, type NodeHandle, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, flags: ['-ip-blackhole-route'] } });

  test('F08: one blackhole for the own subnet, behind docker0, and none of a former subnet', async ({
    cluster,
  }) => {
    await cluster.expectReachable();
    const node = cluster.node('node1');
    const before = await own(cluster, node);
    expect(await blackholes(node)).toEqual([expect.stringContaining(before.subnet)]);
    expect(await way(node, before.missing)).toContain('dev docker0');

    await node.run(['ip', 'link', 'set', 'docker0', 'down']);
    expect(await way(node, before.missing)).toBe('none');
    await node.run(['ip', 'link', 'set', 'docker0', 'up']);
    await cluster.expectReachable();

    await cluster.store.putConfig({ ...cluster.spec.config, Network: '10.77.0.0/16' });
    await cluster.restartDaemon(node, 'SIGTERM');
    const after = await own(cluster, node);
    expect(after.subnet).not.toBe(before.subnet);
    await expect
      .poll(() => blackholes(node), { timeout: 5000 })
      .toEqual([expect.stringContaining(after.subnet)]);
  });
});

async function own(cluster: Cluster, node: NodeHandle) {
  const [base = ''] = (await cluster.subnet(node)).gateway.match(/^\d+\.\d+\.\d+/) ?? [];
  return { subnet: `${base}.0/24`, missing: `${base}.99` };
}

async function blackholes(node: NodeHandle): Promise<readonly string[]> {
  const { stdout } = await node.run(['ip', 'route', 'show', 'type', 'blackhole']);
  return stdout.trim().split('\n');
}

/** What the kernel answers when asked for the way there. */
async function way(node: NodeHandle, address: string): Promise<string> {
  const { code, stdout } = await node.run(['ip', 'route', 'get', address], { okCodes: [0, 2] });
  return code === 0 ? stdout : 'none';
}

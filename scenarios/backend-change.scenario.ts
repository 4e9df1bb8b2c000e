// The configuration names another backend: nodes follow one by one as they restart, and nothing of the former one stays.
import { type Cluster, expect, type NodeHandle, onEveryPlatform, test } from '../harness/vitest/index.ts';

/** Devices whose names flannel gives. */
async function devices(node: NodeHandle): Promise<readonly string[]> {
  const { stdout } = await node.run(['ip', '-o', 'link']);
  return stdout.match(/(?<=\d: )flannel[^:@]*/g) ?? [];
}

/** Restarts one node after the other; those that have moved and those that have not do not know each other meanwhile. */
async function moveTo(cluster: Cluster, Backend: object): Promise<void> {
  await cluster.store.putConfig({ ...cluster.spec.config, Backend });
  const subnets = await Promise.all(cluster.nodes.map(node => cluster.subnet(node)));
  for (const node of cluster.nodes) await cluster.restartDaemon(node, 'SIGTERM');
  await cluster.expectReachable();
  for (const [at, node] of cluster.nodes.entries())
    expect((await cluster.subnet(node)).subnet).toEqual(subnets[at]?.subnet);
}

async function expectDevices({ nodes }: Cluster, expected: readonly string[]): Promise<void> {
  for (const node of nodes) {
    const seen = () => devices(node);
    await expect.poll(seen, { message: node.name }).toEqual(expected);
    const { stdout } = await node.run(['ip', 'route', 'show', 'root', '10.5.0.0/16']);
    const used = [...stdout.matchAll(/dev (flannel\S*)/g)].map(([, name]) => name);
    expect([...new Set(used)], stdout).toEqual(expected);
  }
}

onEveryPlatform({ backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('vxlan to host-gw and back, then to another VNI, node by node', async ({ cluster }) => {
    await cluster.expectReachable();
    await expectDevices(cluster, ['flannel.1']);
    await moveTo(cluster, { Type: 'host-gw' });
    await expectDevices(cluster, []);
    await moveTo(cluster, { Type: 'vxlan' });
    await expectDevices(cluster, ['flannel.1']);
    await moveTo(cluster, { Type: 'vxlan', VNI: 7 });
    await expectDevices(cluster, ['flannel.7']);
  });
});

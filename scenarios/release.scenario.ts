// What is shipped: nodes that run the single executable of a release, beside nodes that run the daemon of this tree.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({ backends: ['vxlan', 'udp'] }, platform => {
  test.override({ platform, spec: { nodes: 2, daemons: { node1: 'release' } } });

  test('a node with the executable of a release is a node like any other', async ({ cluster }) => {
    const node = cluster.node('node1');
    await cluster.expectUniqueSubnets();
    await cluster.expectReachable();
    const before = await cluster.subnet(node);
    const { pid } = await node.daemon.state();
    const { stdout } = await node.run([
      'sh',
      '-c',
      `readlink /proc/${pid}/exe; tr '\\0' '\\n' </proc/${pid}/cmdline`,
    ]);
    const [program, command] = stdout.split('\n');
    expect(program, 'no Node that runs a file').toBe(command);
    await cluster.restartDaemon(node, 'SIGKILL');
    expect(await cluster.subnet(node)).toEqual(before);
    await cluster.expectReachable();
  });
});

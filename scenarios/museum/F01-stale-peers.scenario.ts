// A peer that left while the daemon was down kept its route, neighbour and forwarding entry for ever: all of upstream.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  test.override({ platform, spec: { nodes: 3, docker: false } });

  test('F01: what is left of a peer goes at the next start, and what is not ours stays', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    const decoys = [
      '10.99.0.0/24 via 192.168.77.1 dev eth0',
      '10.98.0.0/24 via 192.168.77.1 dev eth0 proto static',
      '10.5.240.0/24 via 192.168.77.1 dev eth0 proto static',
    ];
    for (const decoy of decoys) await node1.run(['ip', 'route', 'add', ...decoy.split(' ')]);
    const dead = await cluster.fault.kill(node1);
    await cluster.leave(cluster.node('node3'));
    await dead.heal();
    await cluster.expectConverged();
    const { stdout } = await node1.run(['ip', 'route']);
    for (const decoy of decoys) expect(stdout).toContain(decoy.split(' ')[0]);
  });
});

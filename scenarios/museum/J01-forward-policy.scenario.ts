// Docker's FORWARD policy DROP blocked everything between containers: up to 0.9.1.
import { onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, flags: ['-iptables-resync=1'] } });

  test('J01: a FORWARD policy of DROP does not block the overlay', async ({ cluster }) => {
    await using _ = await cluster.fault.dropForwarding(cluster.node('node1'));
    await using __ = await cluster.fault.dropForwarding(cluster.node('node2'));
    await cluster.expectReachable();
    await cluster.restartDaemon(cluster.node('node1'), 'SIGTERM');
    await cluster.expectReachable();
    // Docker's own way: the whole table at once.
    for (const node of cluster.nodes) {
      const rules = '*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\nCOMMIT\n';
      await node.run(['iptables-restore', '-w'], { input: rules });
    }
    await cluster.expectReachable();
  });
});

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2, flags: ['-iptables-forward-rules=false'] } });

  test('J01: without the forward rules nothing is opened', async ({ cluster }) => {
    const drops = await Promise.all(cluster.nodes.map(node => cluster.fault.dropForwarding(node)));
    await cluster.expectReachable({ except: cluster.nodes });
    for (const drop of drops) await drop.heal();
    await cluster.expectReachable();
  });
});

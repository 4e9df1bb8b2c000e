// A corrupt subnet.env made the daemon panic at every start, until somebody deleted the file: 0.8.0 to 0.28.5.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

const file = '/run/flannel/subnet.env';
const garbage = [
  '',
  '\u0000\u0001\u00ff binary',
  'FLANNEL_SUBNET=\n',
  'FLANNEL_SUBNET=10.5.3.1\n',
  'FLANNEL_SUBNET=10.5.3.1/33\n',
  'FLANNEL_SUBNET=garbage\n',
  'FLANNEL_SUBNET="10.5.3.1/24\n',
  'FLANNEL_SUBNET=fd00::1/64\n',
  'FLANNEL_SUBNET=10.5.3.1/24,10.5.4.1/24\n',
  'FLANNEL_NETWORK=x\nFLANNEL_SUBNET=10.99.3.1/24\n',
  'FLANNEL_NETWORK=10.5.0.0/16\n'.repeat(100_000),
];

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  const allow = { 'subnet-file-whole': 'garbage is what the daemon is to find' };
  test.override({ platform, spec: { nodes: 1, docker: false, watch: { allow } } });

  test('K03: whatever subnet.env holds, the daemon starts; a good one is honoured', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    const startWith = async (text: string) => {
      await node1.daemon.stop();
      await cluster.store.removeLease(node1.address);
      await node1.run(['sh', '-c', `cat >${file}`], { input: text });
      await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
    };
    for (const text of garbage) await startWith(text);
    await cluster.expectConverged();
    await startWith('FLANNEL_NETWORK=10.5.0.0/16\r\nFLANNEL_SUBNET=10.5.123.1/24\r\nFLANNEL_MTU=1450\r\n');
    await startWith('FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.124.1/24\nFLANNEL_MTU=1450\n');
    expect((await cluster.subnet(node1)).gateway).toBe('10.5.124.1/24');
    await cluster.expectConverged();
  });
});

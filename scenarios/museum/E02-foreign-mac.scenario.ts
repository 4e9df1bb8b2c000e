// udev gave flannel.1 another MAC than the one the daemon had read and published: up to 0.14.0, in part up to 0.22.2.
import { expect, type NodeHandle, onEveryPlatform, test } from '../../harness/vitest/index.ts';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  test('E02: the published MAC is the device’s, however late somebody changes it', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    await cluster.expectConverged();
    for (const delay of [0, 0.005, 0.05, 0.5]) {
      await node1.daemon.stop();
      await node1.run(['ip', 'link', 'delete', 'flannel.1']);
      await startMeddler(node1, delay);
      await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
      await expectMeddled(node1);
      await cluster.expectConverged({ timeout: 10_000 });
    }
    await cluster.fault.changeMac(node1, 'flannel.1');
    await cluster.expectConverged({ timeout: 10_000 });

    const { vtepMac } = (await cluster.store.leaseOf(node1.address)) ?? {};
    await cluster.restartDaemon(node1, 'SIGTERM');
    await cluster.expectConverged();
    expect((await cluster.store.leaseOf(node1.address))?.vtepMac).toBe(vtepMac);
  });
});

const done = '/run/meddled';

/** Waits for the device and changes its MAC so many seconds after it appeared, as udev does. */
async function startMeddler(node: NodeHandle, delay: number): Promise<void> {
  const script = `rm -f ${done}; setsid sh -c '
    until ip link show flannel.1; do sleep 0.002; done
    sleep ${delay}
    ip link set flannel.1 address 02:ba:d0:00:00:$(od -An -N1 -tx1 /dev/urandom | tr -d " ")
    touch ${done}' >/dev/null 2>&1 </dev/null &`;
  await node.run(['sh', '-c', script]);
}

async function expectMeddled(node: NodeHandle): Promise<void> {
  await node.run(['sh', '-c', `until [ -e ${done} ]; do sleep 0.01; done`], { timeout: 10_000 });
}

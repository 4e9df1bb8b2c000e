// A daemon took the subnet of its old subnet.env although another node held it: flannel 0.8 to 0.17.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

const file = '/run/flannel/subnet.env';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 1, docker: false } });

  test('A01: a copied or outdated subnet.env takes no subnet from its owner', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    const { gateway } = await cluster.subnet(node1);
    const record = await cluster.store.leaseOf(node1.address);
    const image = await node1.run(['cat', file]);

    // node2 is a clone of node1's disk.
    const node2 = await cluster.boot('node2');
    await node2.run(['sh', '-c', `mkdir -p /run/flannel; cat >${file}`], { input: image.stdout });
    await cluster.untilSubnetFileWritten(node2, () => node2.daemon.start());
    expect((await cluster.subnet(node2)).gateway).not.toBe(gateway);
    expect(await cluster.store.leaseOf(node1.address)).toEqual(record);
    await cluster.expectConverged();

    // node1 comes back after its subnet went to node3.
    await node1.daemon.stop();
    await cluster.store.removeLease(node1.address);
    const only = gateway.replace(/1\/24$/, '0');
    await cluster.store.putConfig({ ...cluster.spec.config, SubnetMin: only, SubnetMax: only });
    const node3 = await cluster.join('node3');
    expect((await cluster.subnet(node3)).gateway).toBe(gateway);
    const taken = await cluster.store.leaseOf(node3.address);
    await cluster.store.putConfig(cluster.spec.config);
    await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
    expect((await cluster.subnet(node1)).gateway).not.toBe(gateway);
    expect(await cluster.store.leaseOf(node3.address)).toEqual(taken);
    await cluster.expectConverged();
  });
});

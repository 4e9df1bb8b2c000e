// A backend made of commands: the shell routes between nodes as host-gw does, and what it prints reaches the others.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

/** Not to be run twice for a peer, as the examples of upstream are. */
const commands = {
  PreStartupCommand: 'echo "hello from $(ip -4 -o address show dev eth0 | cut -d" " -f7 | cut -d/ -f1)"',
  PostStartupCommand: 'echo "$NETWORK $SUBNET $PUBLIC_IP" >/run/flannel/own; ip route flush proto 77',
  SubnetAddCommand:
    'read -r words; echo "$PUBLIC_IP says $words" >>/run/flannel/heard; ip route add "$SUBNET" via "$PUBLIC_IP" proto 77',
  SubnetRemoveCommand: 'ip route del "$SUBNET" via "$PUBLIC_IP"',
  ShutdownCommand: 'echo "$SUBNET" >/run/flannel/shut-down',
};

onEveryPlatform({ backends: ['extension'] }, platform => {
  test.override({ platform, spec: { nodes: 3, config: { Backend: commands } } });

  test('containers reach each other over the routes of the commands, as nodes come, restart and go', async ({
    cluster,
  }) => {
    await cluster.expectUniqueSubnets();
    expect(await cluster.expectReachable()).toHaveLength(6);

    const [first, second] = [cluster.node('node1'), cluster.node('node2')];
    const lease = await cluster.store.leaseOf(first.address);
    expect(JSON.parse(lease?.value ?? '{}')).toMatchObject({
      BackendType: 'extension',
      BackendData: `hello from ${first.address}`,
    });
    const heard = async () => (await second.run(['cat', '/run/flannel/heard'])).stdout;
    expect(await heard()).toContain(`${first.address} says hello from ${first.address}\n`);
    const { subnet } = await cluster.subnet(first);
    const own = (await first.run(['cat', '/run/flannel/own'])).stdout;
    expect(own).toMatch(new RegExp(`^10\\.5\\.0\\.0/16 10\\.5\\.\\d+\\.0/24 ${first.address}\n$`));

    const fourth = await cluster.join();
    expect(await cluster.expectReachable()).toHaveLength(12);

    await cluster.restartDaemon(second, 'SIGTERM');
    expect((await second.run(['cat', '/run/flannel/shut-down'])).stdout).toMatch(/^10\.5\.\d+\.0\/24\n$/);
    await cluster.expectReachable();

    const gone = (await cluster.subnet(fourth)).subnet;
    await cluster.leave(fourth);
    await cluster.expectNoRoute(gone);
    await cluster.expectRoute(subnet, [second]);
    await cluster.expectReachable();
  });
});

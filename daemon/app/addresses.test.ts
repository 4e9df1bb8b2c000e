// What a node does when its public IP changes, belongs to another node too, or comes with IPv6.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { until } from '../../lib/wait.ts';
import type { FakeKernel } from '../kernel/fake.ts';
import type { LinkEntry, NetEntry } from '../model/net-state.ts';
import { MemoryRegistry } from '../store/memory-registry.ts';
import { hostKernel, leaseOf, type NodeFixture, startNode } from './node.fixture.ts';

const v4 = '{"Network":"10.5.0.0/16","SubnetMax":"10.5.50.0","Backend":{"Type":"vxlan"}}';
const hostGw = '{"Network":"10.5.0.0/16","SubnetMax":"10.5.50.0","Backend":{"Type":"host-gw"}}';
const both =
  '{"Network":"10.5.0.0/16","SubnetMax":"10.5.50.0","EnableIPv6":true,"IPv6Network":"fd00:5::/48","Backend":{"Type":"vxlan"}}';
const v6 = '{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fd00:5::/48","Backend":{"Type":"vxlan"}}';

function registryWith(config: string): MemoryRegistry {
  const registry = new MemoryRegistry();
  registry.putConfig(config);
  return registry;
}

/** A host with addresses of both families. */
function dualKernel(n: number): FakeKernel {
  const kernel = hostKernel(n);
  kernel.set({ kind: 'address', dev: 'eth0', address: `fd00:7::${n}/64` });
  kernel.set({ kind: 'sysctl', path: 'net/ipv6/conf/all/forwarding', value: '0' });
  kernel.set({ kind: 'sysctl', path: 'net/ipv6/conf/eth0/accept_ra', value: '1' });
  kernel.set({
    kind: 'route',
    to: '::/0',
    via: 'fe80::1',
    dev: 'eth0',
    onlink: false,
    metric: 1024,
    protocol: 'ra',
  });
  return kernel;
}

const folderOf = (node: NodeFixture) => node.subnetFile.replace('/subnet.env', '');
const keysOf = (registry: MemoryRegistry) => registry.rows().map(([key]) => key);
const holds = (what: string, condition: () => boolean) =>
  until(async () => (condition() ? true : undefined), { what, timeout: 4000, interval: 10 });
const address = (text: string): NetEntry => ({ kind: 'address', dev: 'eth0', address: text });

describe('subnets of two families', () => {
  const rival = (subnets: string) => ({
    key: subnets,
    value: leaseOf('192.168.7.9').replace('"PublicIPv6":null', '"PublicIPv6":"fd00:7::9"'),
  });

  test('one that somebody quicker got under another key is given up for a free one', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    onTestFinished(() => void vi.restoreAllMocks());
    const registry = registryWith(both);
    const { key, value } = rival('10.5.1.0-24&fd00:5:0:9::-64');
    registry.beforeNextWrite = () => registry.put(key, value, 86_400);
    await using node = await startNode({ registry, n: 1, kernel: dualKernel(1) });
    await node.ready();
    expect(keysOf(registry)).toEqual([key, '10.5.2.0-24&fd00:5:0:1::-64']);
    expect(await node.subnetEnv()).toContain('FLANNEL_SUBNET=10.5.2.1/24');
    expect(node.log.join('\n')).toContain('192.168.7.9 holds 10.5.1.0/24 fd00:5:0:9::/64');
  });

  test('with none left, what somebody quicker got is waited for, and not held too', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    onTestFinished(() => void vi.restoreAllMocks());
    const registry = registryWith(both.replace('10.5.50.0', '10.5.1.0'));
    const { key, value } = rival('10.5.1.0-24&fd00:5:0:9::-64');
    registry.beforeNextWrite = () => registry.put(key, value, 86_400);
    await using node = await startNode({ registry, n: 1, kernel: dualKernel(1) });
    await node.said('out of subnets');
    expect(keysOf(registry)).toEqual([key]);
    registry.delete(key);
    await node.ready();
    expect(keysOf(registry)).toEqual(['10.5.1.0-24&fd00:5:0:1::-64']);
  });

  test('of nodes that start in one moment and choose alike, each gets its own', async () => {
    // The IPv4 subnet is chosen first, then the one of IPv6.
    let calls = 0;
    vi.spyOn(Math, 'random').mockImplementation(() => (calls++ % 2 === 0 ? 0 : (calls % 100) / 100));
    onTestFinished(() => void vi.restoreAllMocks());
    const registry = registryWith(both);
    const start = (n: number) => startNode({ registry, n, kernel: dualKernel(n) });
    const nodes = await Promise.all([1, 2, 3, 4].map(start));
    onTestFinished(async () => void (await Promise.all(nodes.map(node => node[Symbol.asyncDispose]()))));
    await Promise.all(nodes.map(node => node.ready()));
    const taken = keysOf(registry).flatMap(key => key.split('&'));
    expect(new Set(taken).size).toBe(8);
  });
});

describe('a public IP that two nodes have', () => {
  test('the second one refuses, and the first keeps its lease', async () => {
    const registry = registryWith(v4);
    await using first = await startNode({ registry, n: 1 });
    await first.ready();
    const [[key = '', before] = []] = registry.rows();
    await using second = await startNode({ registry, n: 1 });
    expect(await second.ended()).toMatchObject({
      message: `another node has the public IP 192.168.7.1: it holds ${key} and is alive`,
      hint: expect.stringContaining('-iface'),
    });
    expect(registry.rows().map(([one, { value }]) => [one, value])).toEqual([[key, before?.value]]);
    expect(first.end).toBeUndefined();
  });

  test('of two that start in one moment, one remains', async () => {
    const registry = registryWith(hostGw);
    await using first = await startNode({ registry, n: 1 });
    await using second = await startNode({ registry, n: 1 });
    await holds('the end of one', () => (first.end === undefined) !== (second.end === undefined));
    const [left, gone] = first.end ? [second, first] : [first, second];
    expect(gone.end).toMatchObject({ message: expect.stringContaining('another node has the public IP') });
    await left.ready();
    expect(registry.rows()).toHaveLength(1);
    expect(left.end).toBeUndefined();
  });

  test('a host that was set up anew takes its own lease again when nobody answers', async () => {
    const registry = registryWith(v4);
    registry.put('10.5.7.0-24', leaseOf('192.168.7.1', 'vxlan', '02:00:00:00:00:99'), 86_400);
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    expect(await node.subnetEnv()).toContain('FLANNEL_SUBNET=10.5.7.1/24');
    expect(registry.row('10.5.7.0-24')?.value).not.toContain('02:00:00:00:00:99');
    expect(node.log.join('\n')).toContain('asking whether somebody else holds it');
  });

  test('a Go daemon’s lease is taken over without asking where subnet.env names its subnet', async () => {
    const registry = registryWith(hostGw);
    await using first = await startNode({ registry, n: 1 });
    await first.ready();
    const env = await first.subnetEnv();
    await first.stop();
    await using again = await startNode({ registry, n: 1, folder: folderOf(first) });
    await again.ready();
    expect(await again.subnetEnv()).toBe(env);
    expect(again.log.join('\n')).not.toContain('asking');
  });
});

describe('a public IP that changes', () => {
  test('while the daemon runs: lease, device and routes follow, the subnet stays', async () => {
    const registry = registryWith(v4);
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    const env = await node.subnetEnv();
    node.kernel.drop(address('192.168.7.1/24'));
    node.kernel.set(address('192.168.7.33/24'));
    await holds('the new address in the lease', () => registry.text().includes('"PublicIP":"192.168.7.33"'));
    expect(registry.rows()).toHaveLength(1);
    await holds('the device', () => node.kernel.text().includes('vxlan 1 eth0 192.168.7.33:8472'));
    expect(await node.subnetEnv()).toBe(env);
  });

  test('while the daemon is down: the lease moves with the host', async () => {
    const registry = registryWith(hostGw);
    await using first = await startNode({ registry, n: 1 });
    await first.ready();
    const env = await first.subnetEnv();
    await first.stop();
    const kernel = hostKernel(13);
    await using again = await startNode({ registry, n: 13, kernel, folder: folderOf(first) });
    await again.ready();
    expect(await again.subnetEnv()).toBe(env);
    expect(registry.text()).toContain('"PublicIP":"192.168.7.13"');
    expect(registry.rows()).toHaveLength(1);
    expect(again.log.join('\n')).toContain('my lease moves to my new public IP');
  });

  test('a cloned subnet.env alone proves nothing', async () => {
    const registry = registryWith(hostGw);
    await using first = await startNode({ registry, n: 1 });
    await first.ready();
    const folder = join(folderOf(first), 'clone');
    await mkdir(folder);
    await copyFile(first.subnetFile, join(folder, 'subnet.env'));
    await using clone = await startNode({ registry, n: 2, folder });
    await clone.ready();
    expect(await clone.subnetEnv()).not.toBe(await first.subnetEnv());
    expect(registry.rows()).toHaveLength(2);
    expect(clone.log.join('\n')).toContain('192.168.7.1 holds');
  });
});

test('a new MTU of the uplink reaches the device and subnet.env', async () => {
  const registry = registryWith(v4);
  await using node = await startNode({ registry, n: 1 });
  await node.ready();
  const eth0: LinkEntry = {
    kind: 'link',
    name: 'eth0',
    mac: '02:00:00:00:0e:01',
    mtu: 1400,
    up: true,
    tunnel: undefined,
  };
  node.kernel.set(eth0);
  await holds('the device', () => / flannel\.1 \S+ mtu 1350 /.test(node.kernel.text()));
  expect(await node.subnetEnv()).toContain('FLANNEL_MTU=1350\n');
});

describe('IPv6', () => {
  const six = async (node: NodeFixture) => /FLANNEL_IPV6_SUBNET=(\S+)/.exec(await node.subnetEnv())?.[1];

  test('beside IPv4: one lease for both, each family with its device and its peers', async () => {
    const registry = registryWith(both);
    await using one = await startNode({ registry, n: 1, kernel: dualKernel(1) });
    await using two = await startNode({ registry, n: 2, kernel: dualKernel(2) });
    await Promise.all([one.ready(), two.ready()]);
    expect(keysOf(registry)).toHaveLength(2);
    for (const key of keysOf(registry)) expect(key).toMatch(/^10\.5\.\d+\.0-24&fd00:5:0:[0-9a-f]+::-64$/);
    const base = (await six(two))?.replace('1/64', '');
    await holds('the peer in both families', () => {
      const text = one.kernel.text();
      return (
        text.includes(`route ${base}/64 via ${base} dev flannel-v6.1`) &&
        text.includes('dev flannel.1 onlink')
      );
    });
    expect(one.kernel.text()).toContain('dst fd00:7::2 dev flannel-v6.1\n');
    expect(one.kernel.text()).toContain('sysctl net/ipv6/conf/all/forwarding 1\n');
    expect(one.kernel.text()).toContain('sysctl net/ipv6/conf/eth0/accept_ra 2\n');
    expect(await one.subnetEnv()).toContain('FLANNEL_MTU=1430\n');
  });

  test('alone: two nodes have two subnets, and no IPv4 appears anywhere', async () => {
    const registry = registryWith(v6);
    await using one = await startNode({ registry, n: 1, kernel: dualKernel(1) });
    await using two = await startNode({ registry, n: 2, kernel: dualKernel(2) });
    await Promise.all([one.ready(), two.ready()]);
    expect(keysOf(registry)).toHaveLength(2);
    expect(await six(one)).not.toBe(await six(two));
    expect(registry.text()).toMatch(
      /^0\.0\.0\.0-0&fd00:5:0:[0-9a-f]+::-64 = \{"PublicIP":"0\.0\.0\.0","PublicIPv6":"fd00:7::\d"/,
    );
    expect(await one.subnetEnv()).not.toContain('FLANNEL_SUBNET');
    await one.stop();
    const env = await one.subnetEnv();
    await using again = await startNode({ registry, n: 1, kernel: one.kernel, folder: folderOf(one) });
    await again.ready();
    expect(await again.subnetEnv()).toBe(env);
  });

  test('turned on, it comes to the IPv4 subnet there is; turned off, it goes', async () => {
    const registry = registryWith(v4);
    const kernel = dualKernel(1);
    await using before = await startNode({ registry, n: 1, kernel });
    await before.ready();
    const subnet = /FLANNEL_SUBNET=\S+/.exec(await before.subnetEnv())?.[0] ?? 'none';
    await before.stop();
    registry.putConfig(both);
    await using on = await startNode({ registry, n: 1, kernel, folder: folderOf(before) });
    await on.ready();
    expect(await on.subnetEnv()).toContain(subnet);
    expect(keysOf(registry)).toEqual([expect.stringContaining('&fd00:5:')]);
    await on.stop();
    registry.putConfig(v4);
    await using off = await startNode({ registry, n: 1, kernel, folder: folderOf(before) });
    await off.ready();
    expect(await off.subnetEnv()).toContain(subnet);
    expect(keysOf(registry)).toEqual([expect.not.stringContaining('&')]);
  });

  test('IPv4-only leases of others do no harm', async () => {
    const registry = registryWith(both);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7'));
    registry.put(
      '0.0.0.0-0&fd00:5:0:77::-64',
      '{"PublicIP":"0.0.0.0","PublicIPv6":"fd00:7::8","BackendType":"vxlan","BackendV6Data":{"VtepMAC":"02:00:00:00:00:08"}}',
    );
    await using node = await startNode({ registry, n: 1, kernel: dualKernel(1) });
    await node.ready();
    expect(node.kernel.text()).toContain('route 10.5.77.0/24 via 10.5.77.0 dev flannel.1 onlink\n');
    expect(node.kernel.text()).toContain('route fd00:5:0:77::/64 via fd00:5:0:77:: dev flannel-v6.1');
    expect(node.kernel.text()).not.toMatch(/route (0\.0\.0\.0|::)\/0 via (0|::)/);
  });
});

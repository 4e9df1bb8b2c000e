// The life of a daemon on fakes: what it publishes, programs and survives.
import { describe, expect, test } from 'vitest';
import { until } from '../../lib/wait.ts';
import { MemoryRegistry } from '../store/memory-registry.ts';
import { addressOf, hostKernel, leaseOf, macOf, type NodeFixture, startNode } from './node.fixture.ts';

// Nodes take one of the first subnets, so that tests can put peers at higher ones.
const network = '"Network":"10.5.0.0/16","SubnetMax":"10.5.9.0"';
const vxlan = `{${network},"Backend":{"Type":"vxlan"}}`;
const hostGw = `{${network},"Backend":{"Type":"host-gw"}}`;

function registryWith(config: string): MemoryRegistry {
  const registry = new MemoryRegistry();
  registry.putConfig(config);
  return registry;
}

const overlay = (node: NodeFixture) =>
  node.kernel.text(
    entry => entry.kind !== 'sysctl' && !('dev' in entry && entry.dev === 'eth0' && entry.kind !== 'route'),
  );
const holds = (what: string, condition: () => boolean) =>
  until(async () => (condition() ? true : undefined), { what, timeout: 4000, interval: 10 });

describe('start', () => {
  test('a lone node leases a subnet, programs its device, writes subnet.env and is ready once', async () => {
    const registry = registryWith(vxlan);
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    const [[key, { value }] = ['', { value: '' }]] = registry.rows();
    const [, third] = /^10\.5\.(\d+)\.0-24$/.exec(key) ?? [];
    const [, mac] = /"VtepMAC":"([^"]+)"/.exec(value) ?? [];
    expect(value).toBe(leaseOf('192.168.7.1', 'vxlan', mac));
    expect(await node.subnetEnv()).toBe(
      `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.${third}.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n`,
    );
    expect(node.kernel.text()).toContain(`link flannel.1 ${mac} mtu 1450 up vxlan 1 eth0 192.168.7.1:8472\n`);
    expect(node.kernel.text()).toContain(`address 10.5.${third}.0/32 dev flannel.1\n`);
    expect(node.kernel.text()).toContain('sysctl net/ipv4/ip_forward 1\n');
    expect(node.kernel.text()).toContain('sysctl net/ipv6/conf/flannel.1/accept_ra 0\n');
    expect(node.firewall.iptables.text()).toContain('-A FLANNEL-FWD -s 10.5.0.0/16');
    expect(node.happened.filter(({ kind }) => kind === 'ready')).toHaveLength(1);
    expect(node.taken).toEqual([
      `the subnet file ${node.subnetFile}`,
      'the device flannel.1',
      'the lease of 192.168.7.1 in /coreos.com/network at http://127.0.0.1:4001,http://127.0.0.1:2379',
    ]);
    const kinds = new Set(node.happened.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['lease', 'leases', 'pass', 'peers', 'ready', 'rules']);
  });

  test('eight at once with eight subnets all get one of their own', async () => {
    const registry = registryWith(
      '{"Network":"10.5.0.0/16","SubnetMin":"10.5.1.0","SubnetMax":"10.5.8.0","Backend":{"Type":"host-gw"}}',
    );
    const nodes = await Promise.all(Array.from({ length: 8 }, (_, n) => startNode({ registry, n: n + 1 })));
    await Promise.all(nodes.map(node => node.ready()));
    const files = await Promise.all(nodes.map(node => node.subnetEnv()));
    expect(new Set(files).size).toBe(8);
    expect(registry.rows()).toHaveLength(8);
    await holds('all routes', () => nodes.every(node => overlay(node).match(/route 10\.5/g)?.length === 7));
    await Promise.all(nodes.map(node => node[Symbol.asyncDispose]()));
  });

  test('C22: a record that cannot be read still takes its subnet', async () => {
    const registry = registryWith(
      '{"Network":"10.5.0.0/16","SubnetMin":"10.5.1.0","SubnetMax":"10.5.2.0","Backend":{"Type":"host-gw"}}',
    );
    registry.put('10.5.1.0-24', 'garbage');
    await using first = await startNode({ registry, n: 1 });
    await first.ready();
    expect(await first.subnetEnv()).toContain('FLANNEL_SUBNET=10.5.2.1/24');
    await using second = await startNode({ registry, n: 2 });
    await second.said('out of subnets');
    expect(registry.row('10.5.1.0-24')?.value).toBe('garbage');
  });

  test('one too many waits, says so, and takes the first subnet that becomes free', async () => {
    const registry = registryWith(
      '{"Network":"10.5.0.0/16","SubnetMin":"10.5.1.0","SubnetMax":"10.5.2.0","Backend":{"Type":"host-gw"}}',
    );
    registry.put('10.5.1.0-24', leaseOf('192.168.7.8', 'host-gw'));
    registry.put('10.5.2.0-24', 'garbage');
    await using node = await startNode({ registry, n: 1 });
    await node.said('out of subnets');
    expect(node.log.join('\n')).toContain('first=10.5.1.0/24 last=10.5.2.0/24 subnets=2');
    registry.delete('10.5.2.0-24');
    await node.ready();
    expect(await node.subnetEnv()).toContain('FLANNEL_SUBNET=10.5.2.1/24');
    expect(node.log.filter(line => line.includes('out of subnets'))).toHaveLength(1);
  });

  test.each([
    ['no configuration', undefined, 'no network configuration yet'],
    ['an empty one', '', 'is not valid JSON'],
    ['invalid JSON', '{"Network":', 'is not valid JSON'],
    ['a small network', '{"Network":"10.5.0.0/29"}', 'Network 10.5.0.0/29 is too small'],
    [
      'min over max',
      '{"Network":"10.5.0.0/16","SubnetMin":"10.5.9.0","SubnetMax":"10.5.2.0"}',
      'SubnetMin 10.5.9.0 is above SubnetMax',
    ],
    [
      'an unknown backend',
      '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlam"}}',
      'Backend.Type vxlam is not a backend',
    ],
    [
      'a backend that there is elsewhere',
      '{"Network":"10.5.0.0/16","Backend":{"Type":"ipsec"}}',
      'Backend.Type ipsec is not available in this build',
    ],
    ['a bad backend key', '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":"7"}}', 'Backend.VNI'],
  ])('with %s it says what is wrong, and starts when it is mended', async (_name, config, message) => {
    const registry = new MemoryRegistry();
    registry.putConfig(config);
    await using node = await startNode({ registry, n: 1 });
    await node.said(message);
    expect(node.end).toBeUndefined();
    registry.putConfig(vxlan);
    await node.ready();
    expect(node.log.filter(line => line.includes(' error '))).toHaveLength(1);
  });

  test('it waits for a registry that is away', async () => {
    const registry = registryWith(vxlan);
    registry.setReachable(false);
    await using node = await startNode({ registry, n: 1 });
    await holds('a refused question', () => registry.refused > 0);
    expect(node.end).toBeUndefined();
    registry.setReachable(true);
    await node.ready();
  });

  test('no interface to choose is the end, with a list of what there is', async () => {
    await using node = await startNode({
      registry: registryWith(vxlan),
      n: 1,
      flags: ['-iface=eth7', '-iface=10.1.1.1'],
    });
    expect(await node.ended()).toMatchObject({
      message: 'no interface matches -iface eth7, -iface 10.1.1.1',
      hint: expect.stringContaining('eth0 (192.168.7.1)'),
    });
  });

  test('a device that cannot be made is the end, before anybody could send to it', async () => {
    const registry = registryWith(vxlan);
    const kernel = hostKernel(1);
    kernel.refuse = ({ entry }) => (entry.kind === 'link' ? 'Operation not permitted' : undefined);
    await using node = await startNode({ registry, n: 1, kernel });
    expect(await node.ended()).toMatchObject({ message: expect.stringContaining('Operation not permitted') });
    expect(registry.rows()).toEqual([]);
  });

  test('host-gw refuses a public IP that is not the uplink’s', async () => {
    const flags = ['-public-ip=203.0.113.9', '-iface=eth0'];
    await using node = await startNode({ registry: registryWith(hostGw), n: 1, flags });
    expect(await node.ended()).toMatchObject({ message: expect.stringContaining('203.0.113.9') });
  });
});

describe('peers', () => {
  test('come and go with their leases', async () => {
    const registry = registryWith(vxlan);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    const lines = (third: number, n: number) => [
      `neighbour 10.5.${third}.0 lladdr ${macOf(addressOf(n))} dev flannel.1\n`,
      `fdb ${macOf(addressOf(n))} dst 192.168.7.${n} dev flannel.1\n`,
      `route 10.5.${third}.0/24 via 10.5.${third}.0 dev flannel.1 onlink\n`,
    ];
    const has = (third: number, n: number) => lines(third, n).every(line => overlay(node).includes(line));
    expect(has(77, 7)).toBe(true);
    registry.put('10.5.88.0-24', leaseOf('192.168.7.8'));
    await holds('the second peer', () => has(88, 8));
    registry.delete('10.5.77.0-24');
    await holds('the first peer gone', () => lines(77, 7).every(line => !overlay(node).includes(line)));
    expect(has(88, 8)).toBe(true);
  });

  test('with a new MAC leave no old entry behind, also when the change happened during a gap', async () => {
    const registry = registryWith(vxlan);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'vxlan', '02:00:00:00:00:01'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    registry.setReachable(false);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'vxlan', '02:00:00:00:00:02'));
    registry.compact();
    registry.setReachable(true);
    await holds('the new MAC', () => overlay(node).includes('fdb 02:00:00:00:00:02 dst 192.168.7.7'));
    expect(overlay(node)).not.toContain('02:00:00:00:00:01');
  });

  test('of another backend, and records that are none, are passed over with one line each', async () => {
    const registry = registryWith(vxlan);
    registry.put('10.5.70.0-24', leaseOf('192.168.7.3', 'host-gw'));
    registry.put('10.5.71.0-24', leaseOf('192.168.7.4', 'vxlan', 'nonsense'));
    registry.put('10.5.72.0-24', 'not json');
    registry.put('0.0.0.0-0&fd00:5::-64', leaseOf('192.168.7.5'));
    registry.put('foo', '{}');
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    registry.put('10.5.88.0-24', leaseOf('192.168.7.8'));
    await holds(
      'the good ones',
      () => overlay(node).includes('10.5.77.0/24') && overlay(node).includes('10.5.88.0/24'),
    );
    expect(overlay(node)).not.toMatch(/10\.5\.7[012]|0\.0\.0\.0\/0 via 0|fd00/);
    const warnings = node.log.filter(line => line.includes(' warn '));
    expect(warnings).toHaveLength(5);
  });

  test('a record overwritten with garbage costs nobody a route', async () => {
    const registry = registryWith(hostGw);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'host-gw'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    registry.put('10.5.77.0-24', 'garbage');
    registry.setReachable(false);
    registry.setReachable(true);
    registry.put('10.5.88.0-24', leaseOf('192.168.7.8', 'host-gw'));
    await holds('what came later', () =>
      overlay(node).includes('route 10.5.88.0/24 via 192.168.7.8 dev eth0'),
    );
    expect(overlay(node)).toContain('route 10.5.77.0/24 via 192.168.7.7 dev eth0');
    registry.delete('10.5.77.0-24');
    await holds('the removal', () => !overlay(node).includes('10.5.77.0'));
  });
});

describe('restart', () => {
  test('keeps lease, device and MAC, touches nothing, and clears what left in the meantime', async () => {
    const registry = registryWith(vxlan);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7'));
    registry.put('10.5.88.0-24', leaseOf('192.168.7.8'));
    const kernel = hostKernel(1);
    await using first = await startNode({ registry, n: 1, kernel });
    await first.ready();
    const before = kernel.text();
    const env = await first.subnetEnv();
    await first.stop();
    expect(kernel.text()).toBe(before);
    kernel.done.length = 0;
    registry.delete('10.5.88.0-24');
    await using again = await startNode({ registry, n: 1, kernel });
    await again.ready();
    expect(await again.subnetEnv()).toBe(env);
    expect(kernel.done.map(({ verb }) => verb)).toEqual(['remove', 'remove', 'remove']);
    expect(kernel.text()).not.toContain('10.5.88');
    expect(kernel.text()).toContain('10.5.77');
    expect(registry.rows()).toHaveLength(2);
  });

  test('without its lease takes the subnet of subnet.env, unless someone else has it', async () => {
    const registry = registryWith(hostGw);
    await using first = await startNode({ registry, n: 1 });
    await first.ready();
    const env = await first.subnetEnv();
    await first.stop();
    const [[key] = ['']] = registry.rows();
    const folder = first.subnetFile.replace('/subnet.env', '');
    registry.delete(key);
    await using second = await startNode({ registry, n: 1, folder });
    await second.ready();
    expect(await second.subnetEnv()).toBe(env);
    await second.stop();
    registry.put(key, leaseOf('192.168.7.9', 'host-gw'));
    await using third = await startNode({ registry, n: 1, folder });
    await third.ready();
    expect(await third.subnetEnv()).not.toBe(env);
    expect(third.log.join('\n')).toContain('192.168.7.9 holds');
    expect(registry.row(key)?.value).toBe(leaseOf('192.168.7.9', 'host-gw'));
  });

  test('under another network gives up the old lease and clears its routes', async () => {
    const registry = registryWith(hostGw);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'host-gw'));
    const kernel = hostKernel(1);
    await using first = await startNode({ registry, n: 1, kernel });
    await first.ready();
    await first.stop();
    registry.putConfig('{"Network":"10.6.0.0/16","Backend":{"Type":"host-gw"}}');
    registry.delete('10.5.77.0-24');
    const decoy = {
      kind: 'route',
      to: '10.5.200.0/24',
      via: '192.168.7.50',
      dev: 'eth0',
      onlink: false,
      metric: 0,
      protocol: 'static',
    } as const;
    kernel.set(decoy);
    await using again = await startNode({
      registry,
      n: 1,
      kernel,
      folder: first.subnetFile.replace('/subnet.env', ''),
    });
    await again.ready();
    expect(registry.rows().map(([key]) => key)).toEqual([expect.stringMatching(/^10\.6\./)]);
    await holds('old routes gone', () => !kernel.text().includes('10.5.77.0'));
    expect(kernel.text()).toContain('route 10.5.200.0/24 via 192.168.7.50 dev eth0');
  });
});

describe('healing', () => {
  test('a deleted device comes back with its MAC, its address and all peers', async () => {
    const registry = registryWith(vxlan);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    const before = node.kernel.text();
    const link = (
      await node.kernel.read({ families: [4], devices: [], sysctls: [] }, AbortSignal.timeout(1000))
    ).find(entry => entry.kind === 'link' && entry.name === 'flannel.1');
    if (!link) return expect.unreachable();
    node.kernel.drop(link);
    await holds('the same state', () => node.kernel.text() === before);
    node.kernel.set({ ...link, kind: 'link', mac: '02:66:66:66:66:66' } as typeof link);
    await holds('the same state again', () => node.kernel.text() === before);
    node.kernel.set({ ...link, up: false } as typeof link);
    await holds('the same state once more', () => node.kernel.text() === before);
  });

  test('what cannot be programmed is said once, stops no other, and is tried on', async () => {
    const registry = registryWith(hostGw);
    registry.put('10.5.66.0-24', leaseOf('172.16.0.6', 'host-gw'));
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'host-gw'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    expect(overlay(node)).toContain('route 10.5.77.0/24');
    expect(node.log.join('\n')).toContain(
      'cannot put route 10.5.66.0/24: Nexthop has invalid gateway; trying on',
    );
    node.kernel.set({ kind: 'address', dev: 'eth0', address: '172.16.0.1/24' });
    await holds('the other peer', () => overlay(node).includes('route 10.5.66.0/24 via 172.16.0.6 dev eth0'));
    expect(node.log.filter(line => line.includes('cannot put route'))).toHaveLength(1);
  });

  test('the route of a foreign bridge is not displaced', async () => {
    const registry = registryWith(hostGw);
    const kernel = hostKernel(1);
    kernel.set({
      kind: 'link',
      name: 'docker0',
      mac: '02:42:00:00:00:01',
      mtu: 1500,
      up: true,
      tunnel: undefined,
    });
    kernel.set({ kind: 'address', dev: 'docker0', address: '10.5.77.1/24' });
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'host-gw'));
    await using node = await startNode({ registry, n: 1, kernel });
    await node.ready();
    expect(overlay(node)).toContain('route 10.5.77.0/24 dev docker0\n');
    expect(node.log.join('\n')).toContain('is in its place and not ours to remove');
  });
});

describe('-ip-blackhole-route', () => {
  const flags = ['-ip-blackhole-route'];
  const folderOf = (node: NodeFixture) => node.subnetFile.replace('/subnet.env', '');
  const network = (prefix: string) => `{"Network":"${prefix}","Backend":{"Type":"host-gw"}}`;
  const holes = (node: NodeFixture) =>
    node.kernel.text(entry => entry.kind === 'route' && entry.blackhole === true);
  const upstreams = (to: string) =>
    ({
      kind: 'route',
      to,
      blackhole: true,
      via: undefined,
      dev: undefined,
      onlink: false,
      metric: 0,
      protocol: 'boot',
    }) as const;

  test('what the subnet has no container for is dropped, behind every other route to the subnet', async () => {
    await using node = await startNode({ registry: registryWith(hostGw), n: 1, flags });
    await node.ready();
    await holds('the blackhole', () =>
      /^route blackhole 10\.5\.\d+\.0\/24 metric 4294967295\n$/.test(holes(node)),
    );
  });

  test('of a former subnet, also as upstream made them, none stays; those of others do', async () => {
    const registry = registryWith(network('10.5.0.0/16'));
    const kernel = hostKernel(1);
    await using first = await startNode({ registry, n: 1, kernel, flags });
    await first.ready();
    await holds('the blackhole', () => holes(first) !== '');
    const [, former = ''] = /blackhole (\S+)/.exec(holes(first)) ?? [];
    await first.stop();
    kernel.set(upstreams(former));
    kernel.set(upstreams('10.5.254.0/24'));
    registry.putConfig(network('10.6.0.0/16'));
    await using second = await startNode({ registry, n: 1, kernel, flags, folder: folderOf(first) });
    await second.ready();
    await holds('only the new one', () =>
      /^route blackhole 10\.5\.254\.0\/24\nroute blackhole 10\.6\.\d+\.0\/24 metric \d+\n$/.test(
        holes(second),
      ),
    );
  });

  test('turned off, it goes', async () => {
    const registry = registryWith(hostGw);
    const kernel = hostKernel(1);
    await using first = await startNode({ registry, n: 1, kernel, flags });
    await holds('the blackhole', () => holes(first) !== '');
    await first.stop();
    await using second = await startNode({ registry, n: 1, kernel, folder: folderOf(first) });
    await second.ready();
    await holds('none', () => holes(second) === '');
  });
});

// Backends on a host: those that need a device or none at all, and a configuration that names another one than before.
import { describe, expect, test } from 'vitest';
import { until } from '../../lib/wait.ts';
import type { FakeKernel } from '../kernel/fake.ts';
import type { NetEntry, Tunnel } from '../model/net-state.ts';
import { MemoryRegistry } from '../store/memory-registry.ts';
import { hostKernel, leaseOf, type NodeFixture, startNode } from './node.fixture.ts';

const config = (Backend: object, rest: object = {}) =>
  JSON.stringify({ Network: '10.5.0.0/16', SubnetMax: '10.5.50.0', ...rest, Backend });
const six = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };

function registryWith(text: string): MemoryRegistry {
  const registry = new MemoryRegistry();
  registry.putConfig(text);
  return registry;
}

const subnetIn = (env: string) => /FLANNEL_SUBNET=.*/.exec(env)?.[0];
const folderOf = (node: NodeFixture) => node.subnetFile.replace('/subnet.env', '');
const holds = (what: string, condition: () => boolean) =>
  until(async () => (condition() ? true : undefined), { what, timeout: 4000, interval: 10 });
/** What flannel makes: everything but the uplink, settings and the default route. */
const overlay = (kernel: FakeKernel) =>
  kernel.text(
    entry =>
      entry.kind !== 'sysctl' &&
      !('name' in entry && entry.name === 'eth0') &&
      !('dev' in entry && entry.dev === 'eth0' && (entry.kind !== 'route' || !entry.to.startsWith('10.'))),
  );
const link = (name: string, tunnel: Tunnel | undefined): NetEntry => ({
  kind: 'link',
  name,
  mac: '02:00:00:00:00:77',
  mtu: 1450,
  up: true,
  tunnel,
});
const vxlanTunnel = (vni: number): Tunnel => ({
  type: 'vxlan',
  vni,
  port: 8472,
  uplink: 'eth0',
  local: '192.168.7.1',
  learning: false,
  gbp: false,
});

describe('ipip', () => {
  test('has a device, its address and a route for each peer', async () => {
    const registry = registryWith(config({ Type: 'ipip' }));
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'ipip'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    const [, third] = /SUBNET=10\.5\.(\d+)\.1/.exec(await node.subnetEnv()) ?? [];
    expect(overlay(node.kernel)).toBe(`address 10.5.${third}.0/32 dev flannel.ipip
link flannel.ipip  mtu 1480 up ipip 192.168.7.1 to any
route 10.5.77.0/24 via 192.168.7.7 dev flannel.ipip onlink
`);
    expect(await node.subnetEnv()).toContain('FLANNEL_MTU=1480\n');
    expect(registry.row(`10.5.${third}.0-24`)?.value).toBe(leaseOf('192.168.7.1', 'ipip'));
    expect(node.log.find(line => line.includes('settled'))).not.toContain('mac=');
  });

  test('on a kernel without it ends before the lease and says which module is missing', async () => {
    const registry = registryWith(config({ Type: 'ipip' }));
    const kernel = hostKernel(1);
    kernel.refuse = ({ entry }) =>
      entry.kind === 'link' ? 'link add flannel.ipip: Unknown device type' : undefined;
    await using node = await startNode({ registry, n: 1, kernel });
    expect(await node.ended()).toMatchObject({
      message: 'cannot set up flannel.ipip: link add flannel.ipip: Unknown device type',
      hint: expect.stringMatching(/no ipip: try modprobe ipip;.*CONFIG_NET_IPIP/),
    });
    expect(registry.rows()).toEqual([]);
  });

  test('replaces a device of its name that is another one, and leaves tunl0 alone', async () => {
    const kernel = hostKernel(1);
    const tunl0 = link('tunl0', { type: 'ipip', local: 'any', remote: 'any', pmtudisc: true });
    kernel.set(tunl0);
    kernel.set(link('flannel.ipip', { type: 'ipip', local: '192.168.7.99', remote: 'any', pmtudisc: false }));
    await using node = await startNode({ registry: registryWith(config({ Type: 'ipip' })), n: 1, kernel });
    await node.ready();
    expect(kernel.text()).toContain('link flannel.ipip  mtu 1480 up ipip 192.168.7.1 to any\n');
    expect(kernel.text()).toContain('link tunl0 02:00:00:00:00:77 mtu 1450 up ipip any to any pmtudisc\n');
  });
});

test.each([
  ['vxlan', true],
  ['host-gw', true],
  ['alloc', false],
  ['extension', false],
])('without the right to change the network, %s ends before the lease: %s', async (Type, ends) => {
  const registry = registryWith(config({ Type }));
  const kernel = hostKernel(1);
  kernel.permitted = false;
  await using node = await startNode({ registry, n: 1, kernel });
  if (!ends) return await node.ready();
  const message = `this process may not change the network, which ${Type} needs`;
  expect(await node.ended()).toMatchObject({ message, hint: expect.stringContaining('CAP_NET_ADMIN') });
  expect(registry.rows()).toEqual([]);
});

describe('alloc', () => {
  test('keeps a lease and touches no route', async () => {
    const registry = registryWith(config({ Type: 'alloc' }));
    registry.put('10.5.77.0-24', '{"PublicIP":"192.168.7.7"}');
    registry.put('10.5.78.0-24', leaseOf('192.168.7.8'));
    const kernel = hostKernel(1);
    const route = (to: string): NetEntry => ({
      kind: 'route',
      to,
      via: '192.168.7.9',
      dev: 'eth0',
      onlink: false,
      metric: 0,
      protocol: 'boot',
    });
    kernel.set(route('10.5.99.0/24'));
    await using node = await startNode({ registry, n: 1, kernel });
    await node.ready();
    expect(overlay(kernel)).toBe('route 10.5.99.0/24 via 192.168.7.9 dev eth0\n');
    expect(await node.subnetEnv()).toContain('FLANNEL_MTU=1500\n');
    expect(node.log.filter(line => / (warn|error) /.test(line))).toEqual([]);
    const own = registry.rows().find(([, { value }]) => value.includes('"192.168.7.1"'));
    expect(own?.[1].value).toBe('{"PublicIP":"192.168.7.1","PublicIPv6":null}');
    registry.delete(own?.[0] ?? '');
    await holds('the lease again', () => registry.row(own?.[0] ?? '') !== undefined);
  });
});

describe('another backend than before', () => {
  /** Runs a node under one configuration, then under the other, with one peer that has moved along. */
  async function move(from: string, to: string, peer: string, kernel = hostKernel(1)) {
    const registry = registryWith(from);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', from.includes('vxlan') ? 'vxlan' : 'host-gw'));
    const first = await startNode({ registry, n: 1, kernel });
    await first.ready();
    const before = overlay(kernel);
    const env = await first.subnetEnv();
    await first.stop();
    kernel.done.length = 0;
    registry.putConfig(to);
    registry.put('10.5.77.0-24', peer);
    const again = await startNode({ registry, n: 1, kernel, folder: folderOf(first) });
    await again.ready();
    expect(subnetIn(await again.subnetEnv())).toBe(subnetIn(env));
    await again[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    return { before, after: overlay(kernel), done: kernel.done };
  }
  const direct = 'route 10.5.77.0/24 via 192.168.7.7 dev eth0\n';

  test('vxlan, then host-gw: routes move first, then the device goes', async () => {
    const { before, after, done } = await move(
      config({ Type: 'vxlan' }),
      config({ Type: 'host-gw' }),
      leaseOf('192.168.7.7', 'host-gw'),
    );
    expect(before).toContain('link flannel.1');
    expect(after).toBe(direct);
    expect(done.map(({ verb, entry }) => `${verb} ${entry.kind}`)).toEqual(['put route', 'remove link']);
  });

  test('host-gw, then vxlan, then another VNI', async () => {
    const kernel = hostKernel(1);
    const first = await move(
      config({ Type: 'host-gw' }),
      config({ Type: 'vxlan' }),
      leaseOf('192.168.7.7'),
      kernel,
    );
    expect(first.before).toBe(direct);
    expect(first.after).not.toContain('eth0\n');
    expect(first.after).toContain('route 10.5.77.0/24 via 10.5.77.0 dev flannel.1 onlink\n');
    const second = await move(
      config({ Type: 'vxlan' }),
      config({ Type: 'vxlan', VNI: 2 }),
      leaseOf('192.168.7.7'),
      kernel,
    );
    expect(second.after).not.toMatch(/flannel\.1\b/);
    expect(second.after).toContain('route 10.5.77.0/24 via 10.5.77.0 dev flannel.2 onlink\n');
  });

  test('one family less: the device of that family goes', async () => {
    const kernel = hostKernel(1);
    kernel.set({ kind: 'address', dev: 'eth0', address: 'fd00:7::1/64' });
    const { before, after } = await move(
      config({ Type: 'vxlan' }, six),
      config({ Type: 'vxlan' }),
      leaseOf('192.168.7.7'),
      kernel,
    );
    expect(before).toContain('link flannel-v6.1');
    expect(after).not.toContain('flannel-v6.1');
    expect(after).toContain('link flannel.1');
  });

  test('what is not beyond doubt a device of ours stays', async () => {
    const kernel = hostKernel(1);
    const ours: [NetEntry, string][] = [
      [link('flannel.7', vxlanTunnel(7)), '10.5.9.0/32'],
      [
        link('flannel.ipip', { type: 'ipip', local: '192.168.7.1', remote: 'any', pmtudisc: false }),
        '10.5.9.0/32',
      ],
      [link('flannel-wg', { type: 'wireguard' }), '10.5.9.0/32'],
    ];
    const others: [NetEntry, string][] = [
      // Of a second flanneld on this host, with a network of its own.
      [link('flannel.8', vxlanTunnel(8)), '10.99.1.0/32'],
      [link('flannel.9', undefined), '10.5.9.1/32'],
      [link('flannel.x', vxlanTunnel(10)), '10.5.9.2/32'],
      [link('vxlan11', vxlanTunnel(11)), '10.5.9.3/32'],
      [link('flannel-wg-v6', vxlanTunnel(12)), '10.5.9.4/32'],
      [link('docker0', undefined), '10.5.9.5/24'],
    ];
    for (const [entry, address] of [...ours, ...others]) {
      kernel.set(entry);
      if (entry.kind === 'link') kernel.set({ kind: 'address', dev: entry.name, address });
    }
    await using node = await startNode({ registry: registryWith(config({ Type: 'host-gw' })), n: 1, kernel });
    await node.ready();
    const names = overlay(kernel).match(/(?<=link )\S+/g);
    expect(names).toEqual(['docker0', 'flannel-wg-v6', 'flannel.8', 'flannel.9', 'flannel.x', 'vxlan11']);
  });

  test('a peer that has moved already is passed over, and its former route goes', async () => {
    const registry = registryWith(config({ Type: 'vxlan' }));
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    expect(overlay(node.kernel)).toContain('10.5.77.0');
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'host-gw'));
    await holds('the route gone', () => !overlay(node.kernel).includes('10.5.77.0'));
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7', 'host-gw'));
    registry.put('10.5.78.0-24', leaseOf('192.168.7.8'));
    await holds('another peer', () => overlay(node.kernel).includes('10.5.78.0'));
    expect(node.log.filter(line => line.includes('its backend is host-gw, ours is vxlan'))).toHaveLength(1);
    registry.put('10.5.77.0-24', leaseOf('192.168.7.7'));
    await holds('the route again', () => overlay(node.kernel).includes('route 10.5.77.0/24 via 10.5.77.0'));
  });

  test.each(['{}', '{"BackendData":null}', '{"BackendData":{"PublicKey":"x"}}', '{"BackendData":"text"}'])(
    'a record %s of another type harms no one',
    async rest => {
      const registry = registryWith(config({ Type: 'vxlan' }));
      const value = { PublicIP: '192.168.7.7', BackendType: 'wireguard', ...JSON.parse(rest) };
      registry.put('10.5.77.0-24', JSON.stringify(value));
      registry.put('10.5.78.0-24', leaseOf('192.168.7.8'));
      await using node = await startNode({ registry, n: 1 });
      await node.ready();
      expect(overlay(node.kernel)).toContain('10.5.78.0/24');
      expect(overlay(node.kernel)).not.toContain('10.5.77.0');
    },
  );
});

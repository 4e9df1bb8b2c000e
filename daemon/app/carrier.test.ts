// A backend whose packets this process carries: the carrier in the course of a node's life.
import { expect, test } from 'vitest';
import { formatCidr } from '../../lib/ip.ts';
import { until } from '../../lib/wait.ts';
import { MemoryRegistry } from '../store/memory-registry.ts';
import { hostKernel, leaseOf, startNode } from './node.fixture.ts';

const holds = (what: string, condition: () => boolean) =>
  until(async () => (condition() ? true : undefined), { what, timeout: 4000, interval: 10 });

function registry(): MemoryRegistry {
  const registry = new MemoryRegistry();
  registry.putConfig('{"Network":"10.5.0.0/16"}');
  registry.put('10.5.9.0-24', leaseOf('192.168.7.9', '').replace('"BackendType":"",', ''), 86_400);
  return registry;
}

test('a configuration without a backend means udp, which is said', async () => {
  await using node = await startNode({ registry: registry(), n: 1 });
  await node.ready();
  expect(node.log.join('')).toContain('settled backend=udp because="the configuration names none"');
  expect(await node.subnetEnv()).toContain('FLANNEL_MTU=1472');
  const [subnet = ''] =
    /10\.5\.\d+/.exec(await node.subnetEnv().then(text => text.split('SUBNET=')[1] ?? '')) ?? [];
  expect(node.kernel.text(({ kind }) => kind !== 'sysctl')).toContain(`address ${subnet}.0/32 dev flannel0`);
  expect(node.kernel.text()).toContain('route 10.5.0.0/16 dev flannel0');
});

test('the carrier is opened before the lease, and told of peers as they come and go', async () => {
  const store = registry();
  await using node = await startNode({ registry: store, n: 1 });
  await node.ready();
  const [carrier] = node.carriers;
  expect(carrier?.plan).toMatchObject({ device: 'flannel0', addresses: { 4: '192.168.7.1' }, port: 8285 });
  const opened = node.log.findIndex(line => line.includes('carrying packets'));
  expect(opened).toBeGreaterThan(-1);
  expect(opened).toBeLessThan(node.log.findIndex(line => line.includes('lease acquired')));
  const told = () => carrier?.routed.at(-1);
  expect(told()?.added.map(({ subnet, publicIp }) => `${formatCidr(subnet)} ${publicIp}`)).toEqual([
    '10.5.9.0/24 192.168.7.9',
  ]);
  expect(told()?.subnets[4]).toBeDefined();
  store.delete('10.5.9.0-24');
  await holds('the peer is gone', () => told()?.removed.length === 1);
  expect(told()?.added).toEqual([]);
});

test('one that ended is opened again, and told everything', async () => {
  await using node = await startNode({ registry: registry(), n: 1 });
  await node.ready();
  node.carriers[0]?.end('the device was removed');
  await holds('another carrier', () => node.carriers.length === 2);
  await node.said('reason="the device was removed"');
  await holds('its routes', () => node.carriers[1]?.routed.at(-1)?.added.length === 1);
  await holds('the address', () => node.kernel.text().includes('route 10.5.0.0/16 dev flannel0'));
  expect(node.kernel.text()).toContain('link flannel0  mtu 1472 up tun');
});

test('a new address of the uplink is bound', async () => {
  const kernel = hostKernel(1);
  await using node = await startNode({ registry: registry(), n: 1, kernel });
  await node.ready();
  kernel.drop({ kind: 'address', dev: 'eth0', address: '192.168.7.1/24' });
  kernel.set({ kind: 'address', dev: 'eth0', address: '192.168.7.77/24' });
  await holds('the address', () => node.carriers[0]?.bound.at(-1)?.[4] === '192.168.7.77');
});

test('a device of that name that somebody has is left alone', async () => {
  const kernel = hostKernel(1);
  kernel.set({ kind: 'link', name: 'flannel0', mac: '', mtu: 1472, up: true, tunnel: { type: 'tun' } });
  await using node = await startNode({ registry: registry(), n: 1, kernel });
  await node.ready();
  expect(node.carriers[0]?.plan.device).toBe('flannel1');
});

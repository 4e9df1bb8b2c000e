// Which interface and address stand for this node.
import { describe, expect, test } from 'vitest';
import { silent } from '../../lib/log.ts';
import type { NetEntry } from '../model/net-state.ts';
import { chooseUplink } from './uplink.ts';

const link = (name: string, mtu = 1500): NetEntry => ({
  kind: 'link',
  name,
  mac: '',
  mtu,
  up: true,
  tunnel: undefined,
});
const address = (dev: string, text: string): NetEntry => ({ kind: 'address', dev, address: text });
const byDefault = (dev: string, metric = 0): NetEntry => ({
  kind: 'route',
  to: '0.0.0.0/0',
  via: '192.168.7.254',
  dev,
  onlink: false,
  metric,
  protocol: 'boot',
});
const host = [
  link('lo', 65_536),
  address('lo', '127.0.0.1/8'),
  link('eth0'),
  address('eth0', '169.254.3.4/16'),
  address('eth0', '192.168.7.1/24'),
  address('eth0', '192.168.7.77/24'),
  link('eth1', 9000),
  address('eth1', '172.16.0.1/24'),
  link('eth2'),
  byDefault('eth1', 100),
  byDefault('eth0', 10),
];
const nothing = { iface: [], ifaceRegex: [], reached: undefined, ifaceCanReach: undefined, publicIps: {} };
const choose = (iface: string[], publicIp?: string, state = host) => {
  const { name, ips, mtu } = chooseUplink(
    state,
    { ...nothing, iface, publicIps: { 4: publicIp } },
    [4],
    silent,
  );
  return `${name} ${ips[4]} ${mtu}`;
};

describe('the choice', () => {
  test.each([
    ['the best default route', [], undefined, 'eth0 192.168.7.1 1500'],
    ['by name', ['eth1'], undefined, 'eth1 172.16.0.1 9000'],
    ['by address', ['192.168.7.77'], undefined, 'eth0 192.168.7.77 1500'],
    ['the first that is there', ['eth9', '10.0.0.1', 'eth1', 'eth0'], undefined, 'eth1 172.16.0.1 9000'],
    ['the owner of the public address', [], '172.16.0.1', 'eth1 172.16.0.1 9000'],
    ['the default route when nobody owns it', [], '203.0.113.9', 'eth0 192.168.7.1 1500'],
    ['-iface before the public address', ['eth0'], '172.16.0.1', 'eth0 192.168.7.1 1500'],
  ])('%s', (_name, iface, publicIp, chosen) => expect(choose(iface, publicIp)).toBe(chosen));

  test('a link-local address is better than none', () => {
    expect(choose([], undefined, [link('eth0'), address('eth0', '169.254.3.4/16'), byDefault('eth0')])).toBe(
      'eth0 169.254.3.4 1500',
    );
  });
});

describe('no choice', () => {
  test.each([
    [['eth9'], host, 'no interface matches -iface eth9'],
    [['eth2'], host, 'interface eth2 has no IPv4 address'],
    [[], host.filter(({ kind }) => kind !== 'route'), 'there is no default route to choose an interface by'],
    [['eth0'], [link('eth0', 0), address('eth0', '10.0.0.1/24')], 'interface eth0 has no MTU'],
  ])('%j', (iface, state, message) => expect(() => choose(iface, undefined, state)).toThrow(message));

  test('the message lists what there is', () => {
    expect(() => choose(['eth9'])).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining('eth0 (169.254.3.4, 192.168.7.1, 192.168.7.77), eth1'),
      }),
    );
  });
});

// Which interface and address stand for this node.
import { describe, expect, test } from 'vitest';
import { silent } from '../../lib/log.ts';
import type { AddressTrait, NetEntry } from '../model/net-state.ts';
import { chooseUplink, followUplink } from './uplink.ts';

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
    ['D01: the first that is there', ['eth9', '10.0.0.1', 'eth1', 'eth0'], undefined, 'eth1 172.16.0.1 9000'],
    ['the owner of the public address', [], '172.16.0.1', 'eth1 172.16.0.1 9000'],
    ['the default route when nobody owns it', [], '203.0.113.9', 'eth0 192.168.7.1 1500'],
    ['-iface before the public address', ['eth0'], '172.16.0.1', 'eth0 192.168.7.1 1500'],
  ])('%s', (_name, iface, publicIp, chosen) => expect(choose(iface, publicIp)).toBe(chosen));

  test('D02: a link-local address is better than none', () => {
    expect(choose([], undefined, [link('eth0'), address('eth0', '169.254.3.4/16'), byDefault('eth0')])).toBe(
      'eth0 169.254.3.4 1500',
    );
  });
});

describe('D01: patterns', () => {
  const byPattern = (...patterns: string[]) => {
    const ifaceRegex = patterns.map(pattern => new RegExp(pattern));
    const { name, ips } = chooseUplink(host, { ...nothing, ifaceRegex }, [4], silent);
    return `${name} ${ips[4]}`;
  };
  test.each([
    ['172\\.16\\..*', 'eth1 172.16.0.1'],
    ['192\\.168\\.7\\.77', 'eth0 192.168.7.77'],
    ['^eth1$', 'eth1 172.16.0.1'],
    ['eth', 'eth0 192.168.7.1'],
  ])('%s', (pattern, chosen) => expect(byPattern(pattern)).toBe(chosen));

  test('the first that matches anything wins; none is an error', () => {
    expect(byPattern('^nothing', 'eth1', 'eth0')).toBe('eth1 172.16.0.1');
    expect(() => byPattern('^nothing')).toThrow('no interface matches -iface-regex ^nothing');
  });
});

describe('D02: the address of a device', () => {
  const on = (...addresses: NetEntry[]) =>
    chooseUplink([link('eth0'), ...addresses], { ...nothing, iface: ['eth0'] }, [4], silent).ips[4];
  const traits = (text: string, ...of: AddressTrait[]): NetEntry => ({
    kind: 'address',
    dev: 'eth0',
    address: text,
    traits: of,
  });
  test.each([
    [
      'a static one before one of DHCP',
      [traits('10.0.0.1/24', 'dynamic'), address('eth0', '10.0.0.2/24')],
      '10.0.0.2',
    ],
    [
      'a global one before all',
      [address('eth0', '169.254.1.1/16'), traits('10.0.0.1/24', 'dynamic')],
      '10.0.0.1',
    ],
    [
      'a deprecated one never',
      [traits('10.0.0.1/24', 'deprecated'), traits('10.0.0.2/24', 'temporary')],
      '10.0.0.2',
    ],
    [
      'the kernel’s order among equals',
      [address('eth0', '10.0.0.9/24'), address('eth0', '10.0.0.1/24')],
      '10.0.0.9',
    ],
  ])('%s', (_name, addresses, chosen) => expect(on(...addresses)).toBe(chosen));
});

test('-iface-can-reach goes by the kernel’s answer, after the other flags', () => {
  const reached = { dev: 'eth1', source: '172.16.0.1' };
  const choice = { ...nothing, reached, ifaceCanReach: '203.0.113.1' };
  expect(chooseUplink(host, choice, [4], silent)).toMatchObject({ name: 'eth1', ips: { 4: '172.16.0.1' } });
  expect(chooseUplink(host, { ...choice, iface: ['eth0'] }, [4], silent).name).toBe('eth0');
  expect(() => chooseUplink(host, { ...choice, reached: undefined }, [4], silent)).toThrow(
    'no interface matches -iface-can-reach 203.0.113.1',
  );
});

describe('both families', () => {
  const dual = [...host, address('eth0', 'fd00:7::1/64'), address('eth1', 'fd00:8::1/64')];
  const chooseDual = (choice: object) => chooseUplink(dual, { ...nothing, ...choice }, [4, 6], silent);
  test('come from one device', () => {
    expect(chooseDual({})).toMatchObject({ name: 'eth0', ips: { 4: '192.168.7.1', 6: 'fd00:7::1' } });
    expect(chooseDual({ iface: ['fd00:8::1'] })).toMatchObject({ name: 'eth1', ips: { 4: '172.16.0.1' } });
    expect(chooseDual({ publicIps: { 6: 'fd00:8::1' } })).toMatchObject({ name: 'eth1' });
  });

  test('one that is missing is named', () =>
    expect(() => chooseUplink(host, { ...nothing, iface: ['eth0'] }, [4, 6], silent)).toThrow(
      'interface eth0 has no IPv6 address',
    ));
});

describe('following', () => {
  const before = { name: 'eth0', ips: { 4: '192.168.7.1' }, mtu: 1500 };
  const now = (...entries: NetEntry[]) => followUplink(entries, before);
  test('a second address changes nothing; a replaced one and another MTU do', () => {
    expect(now(link('eth0'), address('eth0', '10.0.0.1/8'), address('eth0', '192.168.7.1/24'))).toEqual(
      before,
    );
    expect(now(link('eth0', 9000), address('eth0', '10.0.0.1/8'))).toEqual({
      name: 'eth0',
      ips: { 4: '10.0.0.1' },
      mtu: 9000,
    });
  });

  test('a device that is away for a moment leaves everything as it was', () => expect(now()).toEqual(before));
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

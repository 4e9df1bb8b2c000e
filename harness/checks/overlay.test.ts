// What a node should have by the leases, against what its kernel says, for both backends that are known.
import { describe, expect, test } from 'vitest';
import { storedLease } from '../stored-lease.ts';
import { compare, differences, type KernelFacts } from './overlay.ts';

const mac = (end: string) => `02:00:00:00:00:${end}`;
const lease = (key: string, ip: string, type: string, vtep?: string) =>
  storedLease(
    key,
    JSON.stringify({ PublicIP: ip, BackendType: type, ...(vtep ? { BackendData: { VtepMAC: vtep } } : {}) }),
  );
const nothing: KernelFacts = { routes: [], neighbours: [], fdb: [], links: [], wgKeys: [], wgPeers: [] };

describe('vxlan', () => {
  const config = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };
  const leases = [
    lease('10.5.1.0-24', '192.168.77.11', 'vxlan', mac('01')),
    lease('10.5.2.0-24', '192.168.77.12', 'vxlan', mac('AB')),
    lease('10.5.3.0-24', '192.168.77.13', 'host-gw'),
    storedLease('nonsense', '{}'),
  ];
  const whole: KernelFacts = {
    ...nothing,
    routes: [
      { dst: '10.5.2.0/24', gateway: '10.5.2.0', dev: 'flannel.1', flags: ['onlink'] },
      { dst: '10.5.1.0/24', dev: 'docker0', protocol: 'kernel' },
    ],
    neighbours: [{ dst: '10.5.2.0', dev: 'flannel.1', lladdr: mac('ab') }],
    fdb: [
      { mac: mac('ab'), ifname: 'flannel.1', dst: '192.168.77.12' },
      { mac: '33:33:00:00:00:01', ifname: 'eth0' },
    ],
    links: [{ ifname: 'flannel.1', address: mac('01') }],
  };
  const judge = (facts: KernelFacts) => {
    const { wanted, present } = compare('192.168.77.11', leases, config, facts);
    return differences('node1', wanted, present);
  };

  test('peers of the same backend only, and what belongs to others is left out', () =>
    expect(judge(whole)).toEqual([]));

  test('each entry that is missing is named', () =>
    expect(judge({ ...nothing, links: whole.links })).toEqual([
      'node1 lacks route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink',
      `node1 lacks neighbour 10.5.2.0 lladdr ${mac('ab')}`,
      `node1 lacks fdb ${mac('ab')} dst 192.168.77.12`,
    ]));

  test('what is too much is named, a second copy too', () => {
    const [route] = whole.routes;
    const stale = { mac: mac('ff'), ifname: 'flannel.1', dst: '192.168.77.12' };
    const facts = {
      ...whole,
      routes: [...whole.routes, ...(route ? [route] : [])],
      fdb: [...whole.fdb, stale],
    };
    expect(judge(facts)).toEqual([
      'node1 has one too many: route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink',
      `node1 has one too many: fdb ${mac('ff')} dst 192.168.77.12`,
    ]);
  });

  test('the record must tell the MAC of the device', () =>
    expect(judge({ ...whole, links: [{ ifname: 'flannel.1', address: mac('99') }] })).toEqual([
      `node1 lacks record with VtepMAC ${mac('01')}`,
      `node1 has one too many: record with VtepMAC ${mac('99')}`,
    ]));
});

describe('host-gw', () => {
  const config = { Network: '10.5.0.0/16', Backend: { Type: 'host-gw' } };
  const leases = [
    lease('10.5.1.0-24', '192.168.77.11', 'host-gw'),
    lease('10.5.2.0-24', '192.168.77.12', 'host-gw'),
  ];
  const judge = (routes: KernelFacts['routes']) => {
    const { wanted, present } = compare('192.168.77.11', leases, config, { ...nothing, routes });
    return differences('node1', wanted, present);
  };
  const right = { dst: '10.5.2.0/24', gateway: '192.168.77.12', dev: 'eth0' };

  test('routes with another protocol or outside of the network are somebody else’s', () =>
    expect(
      judge([
        right,
        { dst: '10.5.9.0/24', gateway: '192.168.77.1', dev: 'eth0', protocol: 'static' },
        { dst: '10.99.0.0/24', gateway: '192.168.77.1', dev: 'eth0' },
        { dst: 'default', gateway: '192.168.77.1', dev: 'eth0' },
      ]),
    ).toEqual([]));

  test('a wrong gateway is both missing and too much', () =>
    expect(judge([{ ...right, gateway: '192.168.77.1' }])).toEqual([
      'node1 lacks route 10.5.2.0/24 via 192.168.77.12',
      'node1 has one too many: route 10.5.2.0/24 via 192.168.77.1',
    ]));
});

test('wireguard: keys, peers and the one route', () => {
  const config = { Network: '10.5.0.0/16', Backend: { Type: 'wireguard' } };
  const record = (key: string, ip: string, PublicKey: string) =>
    storedLease(
      key,
      JSON.stringify({ PublicIP: ip, BackendType: 'wireguard', BackendData: { PublicKey, Port: 51820 } }),
    );
  const leases = [
    record('10.5.1.0-24', '192.168.77.11', 'one='),
    record('10.5.2.0-24', '192.168.77.12', 'two='),
  ];
  const judge = (facts: Partial<KernelFacts>) => {
    const { wanted, present } = compare('192.168.77.11', leases, config, { ...nothing, ...facts });
    return differences('node1', wanted, present);
  };
  const whole = {
    routes: [{ dst: '10.5.0.0/16', dev: 'flannel-wg' }],
    wgKeys: ['flannel-wg\tone=', 'wg0\tmine='],
    wgPeers: ['flannel-wg\ttwo=\t10.5.2.0/24 fd00:5:0:2::/64', 'wg0\ttheirs=\t10.9.0.0/16'],
  };
  expect(judge(whole)).toEqual([]);
  expect(
    judge({ routes: [], wgKeys: ['flannel-wg\tnew='], wgPeers: ['flannel-wg\told=\t10.5.2.0/24'] }),
  ).toEqual([
    'node1 lacks record with PublicKey one=',
    'node1 lacks route 10.5.0.0/16 dev flannel-wg',
    'node1 lacks peer two= for 10.5.2.0/24',
    'node1 has one too many: record with PublicKey new=',
    'node1 has one too many: peer old= for 10.5.2.0/24',
  ]);
});

test('another backend is refused, for nothing is known of it', () =>
  expect(() =>
    compare('1.2.3.4', [], { Network: '10.5.0.0/16', Backend: { Type: 'alloc' } }, nothing),
  ).toThrow('the backend alloc'));

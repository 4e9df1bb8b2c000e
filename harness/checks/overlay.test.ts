// What a node should have by the leases, against what its kernel says, for each backend.
import { describe, expect, test } from 'vitest';
import type { NetworkConfig } from '../cluster-spec.ts';
import { type StoredLease, storedLease } from '../stored-lease.ts';
import { compare, differences } from './overlay.ts';
import type { KernelFacts } from './overlay-facts.ts';

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

/** What `192.168.77.11`, or `address`, lacks and has too much. */
function judged(
  leases: readonly StoredLease[],
  Backend: NetworkConfig['Backend'],
  facts: Partial<KernelFacts>,
  address = '192.168.77.11',
) {
  const config = { Network: '10.5.0.0/16', IPv6Network: 'fd00:5:0::/48', Backend };
  const { wanted, present } = compare(address, leases, config, { ...nothing, ...facts });
  return differences('node1', wanted, present);
}

const uplink = { ifname: 'eth0', address: mac('0e'), addr_info: [{ local: '192.168.77.11', prefixlen: 24 }] };
const segment = { dst: '192.168.77.0/24', dev: 'eth0', protocol: 'kernel' };

describe('DirectRouting: a plain route to peers of the segment, the tunnel to others', () => {
  const leases = (type: string) => [
    lease('10.5.1.0-24', '192.168.77.11', type, mac('01')),
    lease('10.5.2.0-24', '192.168.77.12', type, mac('02')),
    lease('10.5.3.0-24', '192.168.78.13', type, mac('03')),
  ];
  const near = { dst: '10.5.2.0/24', gateway: '192.168.77.12', dev: 'eth0' };

  test('vxlan', () => {
    const Backend = { Type: 'vxlan', DirectRouting: true };
    const whole = {
      routes: [
        segment,
        near,
        { dst: '10.5.3.0/24', gateway: '10.5.3.0', dev: 'flannel.1', flags: ['onlink'] },
      ],
      neighbours: [{ dst: '10.5.3.0', dev: 'flannel.1', lladdr: mac('03') }],
      fdb: [{ mac: mac('03'), ifname: 'flannel.1', dst: '192.168.78.13' }],
      links: [uplink, { ifname: 'flannel.1', address: mac('01') }],
    };
    expect(judged(leases('vxlan'), Backend, whole)).toEqual([]);
    expect(judged(leases('vxlan'), Backend, { ...whole, routes: whole.routes.slice(0, 1) })).toEqual([
      'node1 lacks route 10.5.3.0/24 via 10.5.3.0 dev flannel.1 onlink',
      'node1 lacks route 10.5.2.0/24 via 192.168.77.12',
    ]);
  });

  test('ipip', () => {
    const Backend = { Type: 'ipip', DirectRouting: true };
    const far = { dst: '10.5.3.0/24', gateway: '192.168.78.13', dev: 'flannel.ipip', flags: ['onlink'] };
    expect(judged(leases('ipip'), Backend, { routes: [segment, near, far], links: [uplink] })).toEqual([]);
    const stale = { dst: '10.5.9.0/24', gateway: '192.168.77.19', dev: 'eth0' };
    expect(judged(leases('ipip'), Backend, { routes: [segment, near, far, stale], links: [uplink] })).toEqual(
      ['node1 has one too many: route 10.5.9.0/24 via 192.168.77.19'],
    );
  });
});

test('ipip: each peer through the device', () => {
  const leases = [
    lease('10.5.1.0-24', '192.168.77.11', 'ipip'),
    lease('10.5.2.0-24', '192.168.77.12', 'ipip'),
  ];
  const route = { dst: '10.5.2.0/24', gateway: '192.168.77.12', dev: 'flannel.ipip', flags: ['onlink'] };
  expect(judged(leases, { Type: 'ipip' }, { routes: [route] })).toEqual([]);
  expect(judged(leases, { Type: 'ipip' }, { routes: [{ ...route, gateway: '192.168.77.13' }] })).toEqual([
    'node1 lacks route 10.5.2.0/24 via 192.168.77.12 dev flannel.ipip onlink',
    'node1 has one too many: route 10.5.2.0/24 via 192.168.77.13 dev flannel.ipip onlink',
  ]);
});

test('alloc makes no device, and extension what its commands say', () => {
  const former = { links: [uplink, { ifname: 'flannel.1' }], routes: [{ dst: '10.5.2.0/24', dev: 'eth0' }] };
  expect(judged([], { Type: 'alloc' }, former)).toEqual(['node1 has one too many: device flannel.1']);
  expect(judged([], { Type: 'extension' }, former)).toEqual([]);
});

test('udp: the device has the name that was free', () => {
  const facts = { links: [{ ifname: 'flannel1' }], routes: [{ dst: '10.5.0.0/16', dev: 'flannel1' }] };
  expect(judged([], { Type: 'udp' }, facts)).toEqual([]);
  expect(judged([], { Type: 'udp' }, {})).toEqual(['node1 lacks route 10.5.0.0/16 dev flannel0']);
});

describe('IPv6', () => {
  const six = (number: number) => `fd00:5:0:${number}::`;
  const record = (number: number, type: string, both: boolean) =>
    storedLease(
      `${both ? `10.5.${number}.0-24` : '0.0.0.0-0'}&${six(number)}-64`,
      JSON.stringify({
        PublicIP: both ? `192.168.77.1${number}` : '0.0.0.0',
        PublicIPv6: `fd00:77::1${number}`,
        BackendType: type,
        BackendData: both ? { VtepMAC: mac(`0${number}`), PublicKey: `key${number}` } : undefined,
        BackendV6Data: { VtepMAC: mac(`6${number}`), PublicKey: `key${number}` },
      }),
    );
  const leases = (type: string, both: boolean) => [record(1, type, both), record(2, type, both)];
  const dev = 'flannel-v6.1';
  const tables6 = {
    routes: [
      { dst: `${six(2)}/64`, gateway: six(2), dev, flags: ['onlink'] },
      { dst: 'fe80::/64', dev, protocol: 'kernel' },
    ],
    neighbours: [{ dst: six(2), dev, lladdr: mac('62') }],
    fdb: [{ mac: mac('62'), ifname: dev, dst: 'fd00:77::12' }],
    links: [{ ifname: dev, address: mac('61') }],
  };

  test('vxlan alone, known by its public IPv6 address', () => {
    expect(judged(leases('vxlan', false), { Type: 'vxlan' }, tables6, 'fd00:77::11')).toEqual([]);
    expect(judged(leases('vxlan', false), { Type: 'vxlan' }, {}, 'fd00:77::11')).toEqual([
      `node1 lacks record with VtepMAC ${mac('61')} for IPv6`,
      `node1 lacks route ${six(2)}/64 via ${six(2)} dev ${dev} onlink`,
      `node1 lacks neighbour ${six(2)} lladdr ${mac('62')}`,
      `node1 lacks fdb ${mac('62')} dst fd00:77::12`,
      'node1 has one too many: record with VtepMAC undefined for IPv6',
    ]);
  });

  test('vxlan beside IPv4', () => {
    const both = {
      routes: [
        ...tables6.routes,
        { dst: '10.5.2.0/24', gateway: '10.5.2.0', dev: 'flannel.1', flags: ['onlink'] },
      ],
      neighbours: [...tables6.neighbours, { dst: '10.5.2.0', dev: 'flannel.1', lladdr: mac('02') }],
      fdb: [...tables6.fdb, { mac: mac('02'), ifname: 'flannel.1', dst: '192.168.77.12' }],
      links: [...tables6.links, { ifname: 'flannel.1', address: mac('01') }],
    };
    expect(judged(leases('vxlan', true), { Type: 'vxlan' }, both)).toEqual([]);
    expect(judged(leases('vxlan', true), { Type: 'vxlan' }, { ...both, fdb: both.fdb.slice(1) })).toEqual([
      `node1 lacks fdb ${mac('62')} dst fd00:77::12`,
    ]);
  });

  test('host-gw', () => {
    const route = { dst: `${six(2)}/64`, gateway: 'fd00:77::12', dev: 'eth0' };
    expect(judged(leases('host-gw', false), { Type: 'host-gw' }, { routes: [route] }, 'fd00:77::11')).toEqual(
      [],
    );
    expect(judged(leases('host-gw', false), { Type: 'host-gw' }, {}, 'fd00:77::11')).toEqual([
      `node1 lacks route ${six(2)}/64 via fd00:77::12`,
    ]);
  });

  test('wireguard, with a device for each family or one for both', () => {
    const routes = (six: string) => [
      { dst: '10.5.0.0/16', dev: 'flannel-wg' },
      { dst: 'fd00:5::/48', dev: six },
    ];
    const separate = {
      routes: routes('flannel-wg-v6'),
      wgKeys: ['flannel-wg\tkey1', 'flannel-wg-v6\tkey1'],
      wgPeers: ['flannel-wg\tkey2\t10.5.2.0/24', `flannel-wg-v6\tkey2\t${six(2)}/64`],
    };
    expect(judged(leases('wireguard', true), { Type: 'wireguard' }, separate)).toEqual([]);
    const one = {
      routes: routes('flannel-wg'),
      wgKeys: ['flannel-wg\tkey1'],
      wgPeers: [`flannel-wg\tkey2\t${six(2)}/64 10.5.2.0/24`],
    };
    expect(judged(leases('wireguard', true), { Type: 'wireguard', Mode: 'auto' }, one)).toEqual([]);
    const half = { ...one, wgPeers: ['flannel-wg\tkey2\t10.5.2.0/24'] };
    expect(judged(leases('wireguard', true), { Type: 'wireguard', Mode: 'auto' }, half)).toEqual([
      `node1 lacks peer key2 for 10.5.2.0/24,${six(2)}/64`,
      'node1 has one too many: peer key2 for 10.5.2.0/24',
    ]);
  });
});

test('another backend is refused, for nothing is known of it', () =>
  expect(() => compare('1.2.3.4', [], { Network: '10.5.0.0/16', Backend: { Type: 'gce' } }, nothing)).toThrow(
    'the backend gce',
  ));

// Leases in, network state out: what each backend wants, as text.
import { describe, expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { diff } from '../model/diff.ts';
import type { Json } from '../model/lease.ts';
import { encodeKey } from '../model/lease-codec.ts';
import { entryText, type NetEntry, type NetState, stateText } from '../model/net-state.ts';
import { parseNetworkConfig } from '../model/network-config.ts';
import type { Peer } from '../model/peers.ts';
import { underlayOf } from '../model/underlay.ts';
import type { Backend, Self } from './backend.ts';
import { chooseBackend, namesBackend } from './index.ts';

const cidr = (text: string) => parseCidr(text) ?? expect.unreachable();
const self: Self = {
  uplink: { name: 'eth0', ips: { 4: '192.168.7.1', 6: 'fd00:7::1' }, mtu: 1500 },
  publicIps: { 4: '192.168.7.1', 6: 'fd00:7::1' },
  tunnelIps: { 4: '192.168.7.1', 6: 'fd00:7::1' },
  macs: { 4: '02:00:00:00:00:01', 6: '02:00:00:00:06:01' },
  networks: [cidr('10.5.0.0/16'), cidr('fd00:5::/48')],
  tun: 'flannel0',
  announced: undefined,
  keys: undefined,
};
const peer = (prefix: string, publicIp: string, data: Json | undefined): Peer => {
  const subnet = cidr(prefix);
  const { family } = subnet;
  const [subnets, publicIps, backendData] = [
    { [family]: subnet },
    { [family]: publicIp },
    { [family]: data },
  ];
  const key = encodeKey(subnets);
  const lease = {
    key,
    subnets,
    publicIps,
    backendType: 'vxlan',
    backendData,
    revision: 1,
    created: 1,
    grant: '1',
  };
  return { family, subnet, publicIp, data, lease };
};
const two = peer('10.5.2.0/24', '192.168.7.2', { VNI: 1, VtepMAC: '02:00:00:00:00:AA' });
const two6 = peer('fd00:5:0:2::/64', 'fd00:7::2', { VNI: 1, VtepMAC: '02:00:00:00:06:AA' });
const dual = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };

const route = (to: string, via: string | undefined, rest: object = {}): NetEntry => ({
  kind: 'route',
  to,
  via,
  dev: 'flannel.1',
  onlink: true,
  metric: 0,
  protocol: 'boot',
  ...rest,
});

function choose(document: object, network: object = {}) {
  const parsed = parseNetworkConfig(
    JSON.stringify({ Network: '10.5.0.0/16', ...network, Backend: document }),
  );
  return 'config' in parsed ? chooseBackend(parsed.config) : expect.unreachable();
}
function backendOf(document: object, network?: object): Backend {
  const chosen = choose(document, network);
  return 'backend' in chosen ? chosen.backend : expect.unreachable(JSON.stringify(chosen.problems));
}
const desired = (document: object, isOnLink = true) =>
  stateText(
    backendOf(document).desired({
      self,
      subnets: { 4: cidr('10.5.1.0/24') },
      peers: [two],
      underlay: { isOnLink: () => isOnLink },
    }),
  );

describe('vxlan', () => {
  test('a peer is a neighbour, a forwarding entry and a route', () => {
    expect(desired({ Type: 'vxlan' })).toBe(`address 10.5.1.0/32 dev flannel.1
fdb 02:00:00:00:00:aa dst 192.168.7.2 dev flannel.1
link flannel.1 02:00:00:00:00:01 mtu 1450 up vxlan 1 eth0 192.168.7.1:8472
neighbour 10.5.2.0 lladdr 02:00:00:00:00:aa dev flannel.1
route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink
sysctl net/ipv6/conf/flannel.1/accept_ra 0
`);
  });

  test('with both families there are two devices, and containers send what fits through either', () => {
    const backend = backendOf({ Type: 'vxlan' }, dual);
    const subnets = { 4: cidr('10.5.1.0/24'), 6: cidr('fd00:5:0:1::/64') };
    const underlay = { isOnLink: () => false };
    expect(
      stateText(backend.desired({ self, subnets, peers: [two, two6], underlay })),
    ).toBe(`address 10.5.1.0/32 dev flannel.1
address fd00:5:0:1::/128 dev flannel-v6.1
fdb 02:00:00:00:00:aa dst 192.168.7.2 dev flannel.1
fdb 02:00:00:00:06:aa dst fd00:7::2 dev flannel-v6.1
link flannel-v6.1 02:00:00:00:06:01 mtu 1430 up vxlan 1 eth0 fd00:7::1:8472
link flannel.1 02:00:00:00:00:01 mtu 1450 up vxlan 1 eth0 192.168.7.1:8472
neighbour 10.5.2.0 lladdr 02:00:00:00:00:aa dev flannel.1
neighbour fd00:5:0:2:: lladdr 02:00:00:00:06:aa dev flannel-v6.1
route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink
route fd00:5:0:2::/64 via fd00:5:0:2:: dev flannel-v6.1 metric 1024 onlink
sysctl net/ipv6/conf/flannel-v6.1/accept_ra 0
sysctl net/ipv6/conf/flannel.1/accept_ra 0
`);
    expect(backend.mtu(self.uplink)).toBe(1430);
    expect(backend.terms(self).backendData).toEqual({
      4: { VNI: 1, VtepMAC: '02:00:00:00:00:01' },
      6: { VNI: 1, VtepMAC: '02:00:00:00:06:01' },
    });
  });

  test('with IPv6 alone there is one device', () => {
    const backend = backendOf({ Type: 'vxlan' }, { ...dual, EnableIPv4: false });
    expect(backend.devices).toEqual(['flannel-v6.1']);
    expect(Object.keys(backend.terms(self).backendData)).toEqual(['6']);
  });

  test('all settings, in any case', () => {
    expect(desired({ type: 'VXLAN', vni: 77, PORT: 4789, GBP: true, learning: true, MTU: 1400 })).toContain(
      'link flannel.77 02:00:00:00:00:01 mtu 1350 up vxlan 77 eth0 192.168.7.1:4789 learning gbp\n',
    );
  });

  test('an MTU above the uplink’s, which the kernel would refuse, counts as the uplink’s', () => {
    expect(desired({ Type: 'vxlan', MTU: 9000 })).toContain(' mtu 1450 ');
    expect(backendOf({ Type: 'vxlan', MTU: 9000 }).mtu(self.uplink)).toBe(1450);
  });

  test('refuses an MTU that leaves less than a link of the family must carry', () => {
    const refusal = (MTU: number, network?: object) =>
      backendOf({ Type: 'vxlan', MTU }, network).refuses(self);
    expect(refusal(0)).toBeUndefined();
    expect(refusal(118)).toBeUndefined();
    expect(refusal(117)).toBe('the MTU 117 of Backend.MTU is too small for vxlan, which needs at least 118');
    expect(refusal(1350, dual)).toBeUndefined();
    expect(refusal(1349, dual)).toMatch(/MTU 1349 of Backend\.MTU .* at least 1350 with IPv6/);
    const uplink = { ...self.uplink, mtu: 100 };
    expect(backendOf({ Type: 'vxlan', MTU: 1400 }).refuses({ ...self, uplink })).toMatch(/MTU 100 of eth0/);
  });

  test('with direct routing, a neighbour on the uplink needs no tunnel', () => {
    const document = { Type: 'vxlan', DirectRouting: true };
    expect(desired(document)).toContain('route 10.5.2.0/24 via 192.168.7.2 dev eth0\n');
    expect(desired(document)).not.toMatch(/fdb|neighbour/);
    expect(desired(document, false)).toContain('route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink\n');
  });

  test('E15: a peer that comes to be behind a gateway gets the tunnel, and loses it when it comes back', () => {
    const backend = backendOf({ Type: 'vxlan', DirectRouting: true });
    const onLink = route('192.168.7.0/24', undefined, { dev: 'eth0' });
    const behind = route('192.168.7.2/32', '192.168.7.254', { dev: 'eth0' });
    const subnets = { 4: cidr('10.5.1.0/24') };
    const lookup = (...routes: NetEntry[]) =>
      backend.desired({ self, subnets, peers: [two], underlay: underlayOf(() => routes) });
    const [direct, tunnelled, again] = [lookup(onLink), lookup(onLink, behind), lookup(onLink)];
    const towards = (state: NetState) => stateText(state.filter(entry => 'to' in entry));
    expect(towards(direct)).toBe('route 10.5.2.0/24 via 192.168.7.2 dev eth0\n');
    expect(towards(tunnelled)).toBe('route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink\n');
    expect(stateText(again)).toBe(stateText(direct));
    const changes = (from: NetState, to: NetState) =>
      diff(to, from, entry => backend.isOurs(entry, self)).ops.map(op => `${op.verb} ${entryText(op.entry)}`);
    expect(changes(direct, tunnelled).sort()).toEqual([
      'put fdb 02:00:00:00:00:aa dst 192.168.7.2 dev flannel.1',
      'put neighbour 10.5.2.0 lladdr 02:00:00:00:00:aa dev flannel.1',
      'put route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink',
    ]);
    expect(changes(tunnelled, again).sort()).toEqual([
      'put route 10.5.2.0/24 via 192.168.7.2 dev eth0',
      'remove fdb 02:00:00:00:00:aa dst 192.168.7.2 dev flannel.1',
      'remove neighbour 10.5.2.0 lladdr 02:00:00:00:00:aa dev flannel.1',
    ]);
  });

  test('publishes its VNI and MAC', () => {
    expect(backendOf({ Type: 'vxlan', VNI: 7 }).terms(self)).toMatchObject({
      backendType: 'vxlan',
      backendData: { 4: { VNI: 7, VtepMAC: '02:00:00:00:00:01' } },
    });
  });

  test.each([
    [undefined],
    [null],
    [''],
    [{}],
    [{ VtepMAC: 5 }],
    [{ VtepMAC: '02:00:00:00:00' }],
    [{ VtepMAC: '0200.0000.00aa' }],
  ])('objects to a peer with data %j', data => {
    const backend = backendOf({ Type: 'vxlan' });
    expect(backend.objection(peer('10.5.3.0/24', '192.168.7.3', data), self)).toMatch(/VtepMAC/);
    expect(backend.objection(two, self)).toBeUndefined();
  });

  test('with IPv6 a VNI of more than four digits, whose device would have no name, is refused', () => {
    const problem = { key: 'Backend.VNI', value: '10000', problem: 'must be at most 9999 with EnableIPv6' };
    expect(choose({ Type: 'vxlan', VNI: 10_000 }, dual)).toEqual({ problems: [problem] });
    expect(backendOf({ Type: 'vxlan', VNI: 9999 }, dual).devices).toEqual([
      'flannel.9999',
      'flannel-v6.9999',
    ]);
    expect(backendOf({ Type: 'vxlan', VNI: 9_999_999 }).devices).toEqual(['flannel.9999999']);
  });

  test.each([
    [{ VNI: 16_777_216 }, 'Backend.VNI'],
    [{ VNI: 10_000_000 }, 'Backend.VNI'],
    [{ VNI: -1 }, 'Backend.VNI'],
    [{ VNI: '7' }, 'Backend.VNI'],
    [{ Port: 65_536 }, 'Backend.Port'],
    [{ GBP: 1 }, 'Backend.GBP'],
    [{ Learning: 'yes' }, 'Backend.Learning'],
    [{ DirectRouting: 0 }, 'Backend.DirectRouting'],
    [{ MTU: 1.5 }, 'Backend.MTU'],
  ])('%j is refused by name', (settings, key) =>
    expect(choose({ Type: 'vxlan', ...settings })).toMatchObject({ problems: [{ key }] }),
  );
});

describe('host-gw', () => {
  test('a peer is a route', () =>
    expect(desired({ Type: 'host-gw' })).toBe('route 10.5.2.0/24 via 192.168.7.2 dev eth0\n'));

  test('refuses a public address that is not the uplink’s', () => {
    const backend = backendOf({ Type: 'host-gw' });
    expect(backend.refuses(self)).toBeUndefined();
    expect(backend.refuses({ ...self, publicIps: { 4: '203.0.113.9' } })).toMatch(/203\.0\.113\.9/);
  });
});

describe('ipip', () => {
  test('a peer is an onlink route to its public address', () =>
    expect(desired({ Type: 'ipip' }, false)).toBe(`address 10.5.1.0/32 dev flannel.ipip
link flannel.ipip  mtu 1480 up ipip 192.168.7.1 to any
route 10.5.2.0/24 via 192.168.7.2 dev flannel.ipip onlink
`));

  test('with direct routing, a neighbour on the uplink needs no tunnel', () => {
    const document = { Type: 'ipip', DirectRouting: true };
    expect(desired(document)).toContain('route 10.5.2.0/24 via 192.168.7.2 dev eth0\n');
    expect(desired(document, false)).toContain('route 10.5.2.0/24 via 192.168.7.2 dev flannel.ipip onlink\n');
  });

  test('publishes an address and nothing else, and containers send 20 bytes less', () => {
    const backend = backendOf({ Type: 'ipip' });
    expect(backend.terms(self)).toMatchObject({ backendType: 'ipip', backendData: {} });
    expect(backend.mtu(self.uplink)).toBe(1480);
  });

  test('refuses an uplink that leaves less than any IPv4 link must carry', () => {
    const backend = backendOf({ Type: 'ipip' });
    expect(backend.refuses(self)).toBeUndefined();
    expect(backend.refuses({ ...self, uplink: { ...self.uplink, mtu: 88 } })).toBeUndefined();
    expect(backend.refuses({ ...self, uplink: { ...self.uplink, mtu: 87 } })).toMatch(/MTU 87 of eth0/);
  });

  test('carries IPv4 only, and takes true and false only', () => {
    const ipv6 = { problems: [{ key: 'EnableIPv6', problem: expect.stringContaining('IPv4 only') }] };
    expect(choose({ Type: 'ipip' }, dual)).toMatchObject(ipv6);
    expect(choose({ Type: 'ipip' }, { ...dual, EnableIPv4: false })).toMatchObject(ipv6);
    const problem = { problems: [{ key: 'Backend.DirectRouting', value: '1' }] };
    expect(choose({ Type: 'ipip', DirectRouting: 1 })).toMatchObject(problem);
  });
});

describe('alloc', () => {
  test('wants and claims nothing, and publishes no type', () => {
    const backend = backendOf({ Type: 'alloc' });
    expect(desired({ Type: 'alloc' })).toBe('');
    expect(backend.terms(self)).toEqual({ publicIps: self.publicIps, backendType: '', backendData: {} });
    expect(backend.mtu(self.uplink)).toBe(1500);
    expect(backend.usesPeers).toBe(false);
  });
});

describe('extension', () => {
  test('says which commands to run, none where the text is empty', () => {
    const document = {
      Type: 'extension',
      PreStartupCommand: 'a && b',
      subnetaddcommand: ' c ',
      ShutdownCommand: ' ',
    };
    expect(backendOf(document).hooks).toEqual({
      preStartup: 'a && b',
      postStartup: undefined,
      subnetAdd: 'c',
      subnetRemove: undefined,
      shutdown: undefined,
    });
  });

  test('publishes what the first command printed, in either family, and nothing without one', () => {
    const backend = backendOf({ Type: 'extension' }, dual);
    expect(backend.terms(self).backendData).toEqual({});
    expect(backend.terms({ ...self, announced: 'a "b"' }).backendData).toEqual({ 4: 'a "b"' });
  });

  test.each([
    [undefined, true],
    [null, true],
    ['', true],
    ['x', true],
    [{}, false],
    [5, false],
    [['x'], false],
  ])('a peer with data %j is usable: %s', (data, usable) =>
    expect(
      backendOf({ Type: 'extension' }).objection(peer('10.5.3.0/24', '192.168.7.3', data), self) ===
        undefined,
    ).toBe(usable),
  );

  test.each([
    'PreStartupCommand',
    'PostStartupCommand',
    'SubnetAddCommand',
    'SubnetRemoveCommand',
    'ShutdownCommand',
  ])('%s that is no text is refused by name', key =>
    expect(choose({ Type: 'extension', [key]: ['a'] })).toMatchObject({
      problems: [{ key: `Backend.${key}` }],
    }),
  );
});

describe('ours is', () => {
  const uplink = { dev: 'eth0', onlink: false };
  test.each<[boolean, string, NetEntry]>([
    [true, 'a tunnel route', route('10.5.9.0/24', '10.5.9.0')],
    [true, 'a tunnel route of an earlier network', route('10.99.9.0/24', '10.99.9.0')],
    [true, 'an ipip route', route('10.5.9.0/24', '192.168.7.9')],
    [true, 'the one route of 0.7', route('10.5.0.0/16', undefined)],
    [false, 'another route through the device', route('10.99.0.0/16', '10.99.0.1')],
    [false, 'the route of an address on the device', route('10.5.9.0/24', undefined, { protocol: 'kernel' })],
    [true, 'a route to a neighbour', route('10.5.9.0/24', '192.168.7.9', uplink)],
    [
      false,
      'one with another protocol',
      route('10.5.9.0/24', '192.168.7.9', { ...uplink, protocol: 'static' }),
    ],
    [false, 'one with a metric', route('10.5.9.0/24', '192.168.7.9', { ...uplink, metric: 5 })],
    [false, 'one outside of the network', route('10.6.9.0/24', '192.168.7.9', uplink)],
    [false, 'one for the whole network', route('10.5.0.0/16', '192.168.7.9', uplink)],
    [false, 'one around the network', route('10.0.0.0/8', '192.168.7.9', uplink)],
    [false, 'one without gateway', route('10.5.9.0/24', undefined, uplink)],
    [false, 'the default route', route('0.0.0.0/0', '192.168.7.254', uplink)],
    [false, 'a route of another device', route('10.5.9.0/24', '10.5.9.0', { dev: 'docker0' })],
    [true, 'an old address', { kind: 'address', dev: 'flannel.1', address: '10.5.9.0/32' }],
    [
      false,
      'a foreign address on the device',
      { kind: 'address', dev: 'flannel.1', address: '169.254.1.1/16' },
    ],
    [false, 'an address elsewhere', { kind: 'address', dev: 'docker0', address: '10.5.9.1/24' }],
    [true, 'a neighbour', { kind: 'neighbour', dev: 'flannel.1', ip: '10.5.9.0', mac: '02:00:00:00:00:09' }],
    [
      false,
      'a neighbour elsewhere',
      { kind: 'neighbour', dev: 'eth0', ip: '10.5.9.0', mac: '02:00:00:00:00:09' },
    ],
  ])('%s: %s', (ours, _name, entry) => expect(backendOf({ Type: 'vxlan' }).isOurs(entry, self)).toBe(ours));
});

test.each([
  ['ipsec', 'is not available in this build, use vxlan, host-gw, ipip, udp, wireguard, extension or alloc'],
  ['', 'is not a backend, use vxlan, host-gw, ipip, udp, wireguard, extension or alloc'],
  ['constructor', 'is not a backend, use vxlan, host-gw, ipip, udp, wireguard, extension or alloc'],
])('backend %j %s', (Type, problem) =>
  expect(choose({ Type })).toEqual({ problems: [{ key: 'Backend.Type', value: Type, problem }] }),
);

test('a configuration that names no backend means udp', () => {
  const parsed = parseNetworkConfig('{"Network":"10.5.0.0/16"}');
  if (!('config' in parsed)) return expect.unreachable();
  expect(namesBackend(parsed.config)).toBe(false);
  expect(chooseBackend(parsed.config)).toMatchObject({ backend: { type: 'udp' } });
});

describe('udp', () => {
  test('one device, and one route for all peers', () => {
    expect(desired({ Type: 'udp' })).toBe(`address 10.5.1.0/32 dev flannel0
link flannel0  mtu 1472 up tun
route 10.5.0.0/16 dev flannel0
sysctl net/ipv4/conf/flannel0/accept_local 1
`);
  });

  test('with IPv6, both families go through it, and containers send what fits the larger header', () => {
    const backend = backendOf({ Type: 'udp', Port: 9000 }, dual);
    expect(backend.mtu(self.uplink)).toBe(1452);
    expect(backend.carrier?.(self)).toEqual({ device: 'flannel0', addresses: self.tunnelIps, port: 9000 });
    const subnets = { 4: cidr('10.5.1.0/24'), 6: cidr('fd00:5:0:1::/64') };
    const text = stateText(backend.desired({ self, subnets, peers: [], underlay: { isOnLink: () => true } }));
    expect(text).toContain('address fd00:5:0:1::/128 dev flannel0');
    expect(text).toContain('route fd00:5::/48 dev flannel0 metric 1024');
  });

  test.each([70_000, -1, 'x'])('no port: %j', Port =>
    expect(choose({ Type: 'udp', Port })).toMatchObject({
      problems: [{ key: 'Backend.Port', problem: 'is not a port from 1 to 65535' }],
    }),
  );

  test('an uplink that leaves too little is refused', () => {
    const small = { ...self, uplink: { ...self.uplink, mtu: 1300 } };
    expect(backendOf({ Type: 'udp' }).refuses(small)).toBeUndefined();
    expect(backendOf({ Type: 'udp' }, dual).refuses(small)).toContain('at least 1328 with IPv6');
  });
});

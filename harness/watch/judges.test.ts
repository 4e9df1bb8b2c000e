// Each judge sees what it is there for, and nothing in a cluster that is as it should be.
import { expect, test } from 'vitest';
import type { KernelFacts } from '../checks/overlay-facts.ts';
import { storedLease } from '../stored-lease.ts';
import { judge } from './judges.ts';
import { type NodeView, newView, readSubnetFile, type World, withSample } from './world.ts';

const macs = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as const;
const addresses = ['192.168.77.11', '192.168.77.12'] as const;
const file = (number: number) =>
  `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.${number}.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n`;
const record = (publicIp: string, mac: string) =>
  JSON.stringify({ PublicIP: publicIp, BackendType: 'vxlan', BackendData: { VNI: 1, VtepMAC: mac } });
const leases = [
  storedLease('10.5.1.0-24', record(addresses[0], macs[0])),
  storedLease('10.5.2.0-24', record(addresses[1], macs[1])),
];

/** Node 1 or 2 of two. */
function kernel(number: 1 | 2): KernelFacts {
  const other = 3 - number;
  const [mac, publicIp] = [macs[other - 1] ?? '', addresses[other - 1] ?? ''];
  const dev = 'flannel.1';
  return {
    routes: [
      { dst: 'default', gateway: '192.168.77.1', dev: 'eth0', flags: [] },
      { dst: `10.5.${other}.0/24`, gateway: `10.5.${other}.0`, dev, flags: ['onlink'] },
    ],
    neighbours: [{ dst: `10.5.${other}.0`, dev, lladdr: mac }],
    fdb: [{ mac, ifname: dev, dst: publicIp }],
    wgKeys: [],
    wgPeers: [],
    links: [
      {
        ifname: 'eth0',
        address: '02:00:00:00:01:00',
        addr_info: [{ local: addresses[number - 1] ?? '', prefixlen: 24 }],
      },
      { ifname: dev, address: macs[number - 1] ?? '', addr_info: [] },
      {
        ifname: 'docker0',
        address: '02:42:00:00:00:01',
        addr_info: [{ local: `10.5.${number}.1`, prefixlen: 24 }],
      },
    ],
  };
}

const rules = `*filter
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
COMMIT
*nat
-A FLANNEL-POSTRTG -s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
COMMIT
---
`;

function view(number: 1 | 2): NodeView {
  return {
    ...newView(`node${number}`, addresses[number - 1] ?? '', ['-subnet-lease-renew-margin=5s']),
    pid: 100,
    file: file(number),
    kernel: kernel(number),
    rules: number === 1 ? rules : '',
  };
}

const config = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };
const well: World = { config, leases, left: new Map([['10.5.1.0-24', 3]]), nodes: [view(1), view(2)] };

/** The cluster with another first node. */
function withNode(change: Partial<NodeView>): World {
  return { ...well, nodes: [{ ...view(1), ...change }, view(2)] };
}

function found(world: World): readonly string[] {
  return judge(world).map(({ invariant, node, what }) => `${invariant} ${node}: ${what}`);
}

test('a cluster as it should be has no problem, and neither has a node whose daemon does not run', () => {
  expect(judge(well)).toEqual([]);
  const { pid: _, ...stopped } = { ...view(1), file: 'half' };
  expect(judge({ ...well, nodes: [stopped] })).toEqual([]);
  expect(judge({ ...well, leases: undefined })).toEqual([]);
});

test('subnets that two use, and leases that overlap', () => {
  expect(found(withNode({ file: file(2) }))).toContain(
    'unique-subnets undefined: node1 and node2 use the same addresses: 10.5.2.0/24 and 10.5.2.0/24',
  );
  const thief = storedLease('10.5.2.128-25', record('192.168.77.99', macs[0]));
  expect(found({ ...well, leases: [...leases, thief] })).toContain(
    'unique-subnets undefined: the lease of 192.168.77.12 and the lease of 192.168.77.99 are for the same addresses: 10.5.2.0/24 and 10.5.2.128/25',
  );
});

test('a subnet that is not leased, and a docker0 that is not the subnet', () => {
  expect(found(withNode({ file: file(3) }))).toEqual(
    expect.arrayContaining([
      'one-subnet node1: node1 uses 10.5.3.0/24, which nobody has leased',
      'one-subnet node1: docker0 of node1 has 10.5.1.1/24, not 10.5.3.1/24',
    ]),
  );
});

test('a record with another MAC, or an address that is not the node’s', () => {
  const [, other] = leases;
  const wrongMac = storedLease('10.5.1.0-24', record(addresses[0], '02:00:00:00:00:99'));
  expect(found({ ...well, leases: [wrongMac, ...(other ? [other] : [])] })).toContain(
    'record-tells-device node1: node1 lacks record with VtepMAC 02:00:00:00:00:99',
  );
  const stolen = storedLease('10.5.1.0-24', record('192.168.77.99', macs[0]));
  const world = { ...well, leases: [stolen, ...(other ? [other] : [])] };
  const what = 'node1 uses 10.5.1.0/24, whose record has the public IP 192.168.77.99, which node1 has not';
  expect(found(world)).toContain(`record-tells-device node1: ${what}`);
  // A flag may say so.
  const told = { ...world, nodes: world.nodes.map(node => ({ ...node, publicIpIsTold: true })) };
  expect(found(told).join('\n')).not.toContain('which node1 has not');
});

test('what is missing in the tables, and what is too many', () => {
  const tables = kernel(1);
  expect(found(withNode({ kernel: { ...tables, fdb: [] } }))).toEqual([
    'overlay-matches-leases node1: node1 lacks fdb 02:00:00:00:00:02 dst 192.168.77.12',
  ]);
  const extra = { mac: macs[0], ifname: 'flannel.1', dst: '192.0.2.1' };
  expect(found(withNode({ kernel: { ...tables, fdb: [...tables.fdb, extra] } }))).toEqual([
    'overlay-matches-leases node1: node1 has one too many: fdb 02:00:00:00:00:01 dst 192.0.2.1',
  ]);
});

test('half a subnet.env', () => {
  const half = file(1).slice(0, -10);
  expect(found(withNode({ file: half }))).toEqual([
    `subnet-file-whole node1: subnet.env does not end with a line end: ${JSON.stringify(half)}`,
  ]);
  expect(readSubnetFile('')).toBe('does not end with a line end');
  expect(readSubnetFile('FLANNEL_NETWORK=10.5.0.0/16\n')).toBe('has no network with a subnet');
  expect(readSubnetFile(file(1).replace(/FLANNEL_MTU.*\n/, ''))).toBe('has no MTU');
  expect(readSubnetFile(file(1).replace('true', ''))).toBe('does not say whether to masquerade');
  const six = 'FLANNEL_IPV6_NETWORK=fd00::/48\nFLANNEL_IPV6_SUBNET=fd00::1/64\n';
  expect(readSubnetFile(`${six}FLANNEL_MTU=1430\nFLANNEL_IPMASQ=false\n`)).toEqual([
    expect.objectContaining({ family: 6 }),
  ]);
});

test('a rule that is there twice, and one of a subnet that the node no longer has', () => {
  const [first = '', jump = '', ...rest] = rules.split('\n');
  expect(found(withNode({ rules: [first, jump, jump, ...rest].join('\n') }))).toEqual([
    `rules-once node1: this rule is there 2 times: iptables filter: ${jump}`,
  ]);
  const old = '-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.9.0/24 -j RETURN';
  expect(found(withNode({ rules: rules.replace('*nat\n', `*nat\n${old}\n`) }))).toEqual([
    `rules-once node1: this rule is of another subnet than 10.5.1.0/24: iptables nat: ${old}`,
  ]);
  // The same words for both families are two rules; those of nftables are counted by chain.
  const both = `*filter\n${jump}\n---\n*filter\n${jump}\n`;
  const table = (second: string) =>
    `---\n---\ntable ip flannel-ipv4 {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tip saddr 10.5.0.0/16 accept\n\t}\n\tchain ${second} {\n\t\tip saddr 10.5.0.0/16 accept\n\t}\n}\n`;
  expect(found(withNode({ rules: both }))).toEqual([]);
  expect(found(withNode({ rules: table('other') }))).toEqual([]);
  expect(found(withNode({ rules: table('forward') }))).toEqual([
    'rules-once node1: this rule is there 2 times: nft table ip flannel-ipv4 forward: ip saddr 10.5.0.0/16 accept',
  ]);
});

test('a lease that is not renewed in time', () => {
  expect(found({ ...well, left: new Map([['10.5.1.0-24', 0]]) })).toEqual([
    'leases-renewed node1: the lease 10.5.1.0/24 of node1 is not renewed 5 s before its end',
  ]);
  expect(newView('node1', '', []).renewMargin).toBe(3600);
  expect(newView('node1', '', ['--subnet-lease-renew-margin=1m30s']).renewMargin).toBe(90);
});

test('samples become the view of a node; what is no state leaves it as it is', () => {
  const empty = newView('node1', addresses[0], []);
  const seen = withSample(withSample(empty, { at: 1, pid: 7 }), { at: 2, file: 'x' });
  expect(seen).toMatchObject({ pid: 7, file: 'x' });
  expect(withSample(seen, { at: 3, pid: null })).not.toHaveProperty('pid');
  expect(withSample(seen, { at: 3, log: ['x'] })).toBe(seen);
  const kernel = {
    routes: '',
    routes6: '[{"dst":"fd00::/64"}]',
    neighbours: '[{"dst":"fe80::1"}]',
    links: '[]',
    fdb: '',
    wgKeys: '',
    wgPeers: 'a\tb\n',
  };
  expect(withSample(seen, { at: 4, kernel }).kernel).toEqual({
    routes: [{ dst: 'fd00::/64' }],
    neighbours: [{ dst: 'fe80::1' }],
    links: [],
    fdb: [],
    wgKeys: [],
    wgPeers: ['a\tb'],
  });
});

test('IPv6 alone: subnet, record, tables and renewal are those of its lease', () => {
  const six = (number: number) => `fd00:5:0:${number}::`;
  const lease = (number: 1 | 2) =>
    storedLease(
      `0.0.0.0-0&${six(number)}-64`,
      JSON.stringify({
        PublicIP: '0.0.0.0',
        PublicIPv6: `fd00:77::1${number}`,
        BackendType: 'vxlan',
        BackendV6Data: { VNI: 7, VtepMAC: macs[number - 1] },
      }),
    );
  const dev = 'flannel-v6.7';
  const route = { dst: `${six(2)}/64`, gateway: six(2), dev, flags: ['onlink'] };
  const node: NodeView = {
    ...newView('node1', addresses[0], ['-subnet-lease-renew-margin=5s']),
    pid: 100,
    file: `FLANNEL_IPV6_NETWORK=fd00:5::/48\nFLANNEL_IPV6_SUBNET=${six(1)}1/64\nFLANNEL_MTU=1430\nFLANNEL_IPMASQ=false\n`,
    kernel: {
      routes: [route],
      neighbours: [{ dst: six(2), dev, lladdr: macs[1] }],
      fdb: [{ mac: macs[1], ifname: dev, dst: 'fd00:77::12' }],
      wgKeys: [],
      wgPeers: [],
      links: [
        { ifname: 'eth0', address: macs[0], addr_info: [{ local: 'fd00:77::11', prefixlen: 64 }] },
        { ifname: dev, address: macs[0] },
      ],
    },
  };
  const alone: World = {
    config: {
      Network: '',
      EnableIPv4: false,
      EnableIPv6: true,
      IPv6Network: 'fd00:5::/48',
      Backend: { Type: 'vxlan' },
    },
    leases: [lease(1), lease(2)],
    left: new Map(),
    nodes: [node],
  };
  expect(found(alone)).toEqual([]);
  const gone = `0.0.0.0-0&${six(1)}-64`;
  expect(found({ ...alone, left: new Map([[gone, 0]]) })).toEqual([
    expect.stringContaining('leases-renewed node1:'),
  ]);
  const kernel = node.kernel && { ...node.kernel, routes: [] };
  expect(found({ ...alone, nodes: [kernel ? { ...node, kernel } : node] })).toEqual([
    `overlay-matches-leases node1: node1 lacks route ${six(2)}/64 via ${six(2)} dev ${dev} onlink`,
  ]);
  expect(found({ ...alone, leases: [lease(2)] })).toEqual([
    `one-subnet node1: node1 uses ${six(1)}/64, which nobody has leased`,
  ]);
  const both = alone.nodes.map(view => ({ ...view, name: 'node2' }));
  expect(found({ ...alone, nodes: [node, ...both] })).toContain(
    `unique-subnets undefined: node1 and node2 use the same addresses: ${six(1)}/64 and ${six(1)}/64`,
  );
});

test('a lease that does not tell its backend is of the one that is configured', () => {
  const untold = leases.map(({ key, publicIp }) => storedLease(key, JSON.stringify({ PublicIP: publicIp })));
  const world = { ...well, leases: untold };
  const udp = { ...config, Backend: { Type: 'udp' } };
  const tables = { ...kernel(1), routes: [] };
  const nodes = [{ ...view(1), kernel: tables }];
  expect(found({ ...world, nodes })).toEqual([]);
  expect(found({ ...world, config: udp, nodes })).toEqual([
    'overlay-matches-leases node1: node1 lacks route 10.5.0.0/16 dev flannel0',
  ]);
});

test('rules that are not in order', () => {
  const [first = '', jump = '', ...rest] = rules.split('\n');
  const drop = '-A FORWARD -j DROP';
  expect(found(withNode({ rules: [first, drop, jump, ...rest].join('\n') }))).toEqual([
    `rules-in-order node1: this rule may drop, and comes before the jump to FLANNEL-FWD: iptables filter FORWARD: ${drop}`,
  ]);
});

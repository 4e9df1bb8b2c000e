// A node's state as text: what matters, without what changes by itself.
import { expect, test } from 'vitest';
import { parseState } from './state.ts';

const links = [
  { ifname: 'lo', mtu: 65536, flags: ['UP'], address: '00:00:00:00:00:00', addr_info: [] },
  {
    ifname: 'flannel.1',
    mtu: 1450,
    flags: ['BROADCAST', 'UP'],
    address: '72:fb:ba:65:80:84',
    linkinfo: { info_kind: 'vxlan', info_data: { id: 1, port: 8472, local: '192.168.77.11', ageing: 300 } },
    addr_info: [
      { family: 'inet', local: '10.5.17.0', prefixlen: 32 },
      { family: 'inet6', local: 'fe80::1', prefixlen: 64 },
    ],
  },
  { ifname: 'veth1a2b', mtu: 1450, flags: [], address: '7e:b5:73:b8:96:3c', master: 'docker0' },
];
const answers = [
  JSON.stringify(links),
  JSON.stringify([
    { dst: '10.5.61.0/24', gateway: '10.5.61.0', dev: 'flannel.1', flags: ['onlink'] },
    { type: 'local', dst: '10.5.17.0', dev: 'flannel.1', table: 'local', flags: [] },
    { dst: 'fe80::/64', dev: 'eth0', metric: 256, flags: [] },
  ]),
  '[{"priority":0,"src":"all","table":"local"}]',
  JSON.stringify([
    { dst: '10.5.61.0', dev: 'flannel.1', lladdr: 'f2:05:4d:f6:97:e6', state: ['PERMANENT'] },
    { dst: '192.168.77.1', dev: 'eth0', lladdr: '02:42:00:00:00:01', state: ['STALE'] },
  ]),
  '',
  `table inet filter {
	chain FORWARD {
		type filter hook forward priority 0; policy drop;
		oifname "veth1a2b" counter accept
	}
}
table netdev lab_trace_1_2 {
	counter request_small {
	}
}
`,
  ':FORWARD DROP [12:3400]\n-A FORWARD -j ACCEPT\nCOMMIT\n',
  'ip_forward:1\nconf/eth0/rp_filter:2\n',
  'FLANNEL_MTU=1450\n',
];

test('each thing is a line, and counters, timers and learned entries are none', () => {
  const state = parseState(
    'node1',
    7,
    answers.map(text => `${text}\n`),
  );
  expect(state.lines).toEqual([
    'address 10.5.17.0/32 dev flannel.1',
    'iptables -A FORWARD -j ACCEPT',
    'iptables :FORWARD DROP',
    'link flannel.1 vxlan up mtu 1450 mac 72:fb:ba:65:80:84 id 1 port 8472 local 192.168.77.11',
    'link lo up mtu 65536',
    'link veth… down mtu 1450 master docker0',
    'neighbour dst 10.5.61.0 lladdr f2:05:4d:f6:97:e6 dev flannel.1',
    'nft inet filter FORWARD',
    'nft inet filter FORWARD: oifname "veth…" counter accept',
    'nft inet filter FORWARD: type filter hook forward priority 0; policy drop;',
    'route dst 10.5.61.0/24 gateway 10.5.61.0 dev flannel.1 onlink',
    'rule priority 0 src all table local',
    'subnet.env FLANNEL_MTU=1450',
    'sysctl net.ipv4.conf.eth0.rp_filter = 2',
    'sysctl net.ipv4.ip_forward = 1',
  ]);
  expect(state.own.get('72:fb:ba:65:80:84')).toBe('MAC of flannel.1');
  expect(state.own.get('10.5.17.0')).toBe('address of flannel.1');
  expect(state.own.has('00:00:00:00:00:00')).toBe(false);
});

test('half an answer is a state, too', () => {
  expect(parseState('node1', 0, ['[{"ifname":"e']).lines).toEqual([]);
  expect(parseState('node1', 0, ['']).lines).toEqual([]);
});

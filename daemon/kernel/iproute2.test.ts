// What iproute2 prints, in several versions.
import { describe, expect, test } from 'vitest';
import { type LinkEntry, stateText } from '../model/net-state.ts';
import { batchLines } from './argv.ts';
import { isAtLeast } from './iptables.ts';
import { concernsUs } from './monitor.ts';
import { parseAddresses, parseFdb, parseLinks, parseNeighbours, parseRoutes } from './parse.ts';

describe('the commands for a device', () => {
  const ipip = { type: 'ipip', local: '192.168.7.1', remote: 'any', pmtudisc: false } as const;
  const link: LinkEntry = { kind: 'link', name: 'flannel.ipip', mac: '', mtu: 1480, up: true, tunnel: ipip };
  const add =
    'link add flannel.ipip mtu 1480 txqueuelen 0 type ipip mode ipip local 192.168.7.1 remote any ttl inherit nopmtudisc';
  const lines = (replaces?: LinkEntry) => batchLines({ verb: 'put', entry: link, replaces });

  test('make an ipip tunnel without MAC', () =>
    expect(lines()).toEqual([add, 'link set dev flannel.ipip up']));

  test.each<[string, Partial<LinkEntry>]>([
    ['of another type', { tunnel: undefined }],
    ['of another kind of tunnel', { tunnel: { type: 'wireguard' } }],
    ['with another local address', { tunnel: { ...ipip, local: '192.168.7.9' } }],
    ['with a fixed remote', { tunnel: { ...ipip, remote: '192.168.7.9' } }],
    ['that finds out path MTUs', { tunnel: { ...ipip, pmtudisc: true } }],
  ])('replace one %s', (_name, other) =>
    expect(lines({ ...link, ...other })).toEqual([
      'link del dev flannel.ipip',
      add,
      'link set dev flannel.ipip up',
    ]),
  );

  test('change what can be changed in place', () => {
    const up = 'link set dev flannel.ipip up';
    expect(lines({ ...link, mtu: 1400 })).toEqual(['link set dev flannel.ipip mtu 1480', up]);
    expect(lines({ ...link, up: false })).toEqual([up]);
  });

  test('make a wireguard device, which is kept when it is there', () => {
    const wireguard: LinkEntry = { ...link, name: 'flannel-wg', tunnel: { type: 'wireguard' } };
    const up = 'link set dev flannel-wg up';
    expect(batchLines({ verb: 'put', entry: wireguard })).toEqual([
      'link add flannel-wg mtu 1480 txqueuelen 0 type wireguard',
      up,
    ]);
    expect(batchLines({ verb: 'put', entry: wireguard, replaces: { ...wireguard, mtu: 1400 } })).toEqual([
      'link set dev flannel-wg mtu 1480',
      up,
    ]);
  });
});

describe('what is printed', () => {
  test('links and addresses', () => {
    const json = `[{},{"ifindex":2,"ifname":"eth0","flags":["UP"],"mtu":1500,"address":"02:00:00:00:0E:01",
      "addr_info":[{"family":"inet","local":"192.168.7.1","prefixlen":24},{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"},
      {"family":"inet6","local":"fd00:7::1","prefixlen":64,"scope":"global"},{}]},
      {"ifname":"flannel.1","flags":[],"mtu":1450,"address":"02:00:00:00:00:01","linkinfo":{"info_kind":"vxlan",
      "info_data":{"id":1,"local":"192.168.7.1","link":"eth0","port":8472,"learning":false,"gbp":null}}}]`;
    expect(stateText([...parseLinks(json), ...parseAddresses(json)])).toBe(`address 192.168.7.1/24 dev eth0
address fd00:7::1/64 dev eth0
link eth0 02:00:00:00:0e:01 mtu 1500 up
link flannel.1 02:00:00:00:00:01 mtu 1450 down vxlan 1 eth0 192.168.7.1:8472 gbp
`);
  });

  test('ipip devices: ours, one that a Go daemon made, and tunl0', () => {
    const device = (name: string, info: object) => ({
      ifname: name,
      flags: ['POINTOPOINT', 'NOARP', 'UP'],
      mtu: 1480,
      link_type: 'ipip',
      address: '192.168.7.1',
      broadcast: '0.0.0.0',
      linkinfo: { info_kind: 'ipip', info_data: { ttl: 0, pmtudisc: false, ...info } },
    });
    const json = JSON.stringify([
      device('flannel.ipip', { proto: 'ipip', remote: 'any', local: '192.168.7.1' }),
      device('go', { proto: 'any', remote: 'any', local: '192.168.7.1' }),
      device('old', { remote: '192.168.7.9', local: '192.168.7.1', pmtudisc: true }),
      device('tunl0', { proto: 'ipip', remote: 'any', local: 'any' }),
      device('mpls', { proto: 'mplsip', remote: 'any', local: '192.168.7.1' }),
      { ifname: 'hsr0', mtu: 1500, linkinfo: { info_kind: 'hsr', info_data: { proto: 1, remote: null } } },
      { ifname: 'external', mtu: 1480, linkinfo: { info_kind: 'ipip', info_data: { external: true } } },
      device('fou', { proto: 'ipip', remote: 'any', local: '192.168.7.1', encap: { type: 'fou', sport: 0 } }),
      {
        ifname: 'flannel-wg',
        mtu: 1420,
        flags: ['UP'],
        link_type: 'none',
        linkinfo: { info_kind: 'wireguard' },
      },
    ]);
    expect(stateText(parseLinks(json))).toBe(`link external  mtu 1480 down
link flannel-wg  mtu 1420 up wireguard
link flannel.ipip  mtu 1480 up ipip 192.168.7.1 to any
link fou  mtu 1480 up
link go  mtu 1480 up ipip 192.168.7.1 to any
link hsr0  mtu 1500 down
link mpls  mtu 1480 up
link old  mtu 1480 up ipip 192.168.7.1 to 192.168.7.9 pmtudisc
link tunl0  mtu 1480 up ipip any to any
`);
  });

  test('routes: the default, a host, several hops, none', () => {
    const json = `[{"dst":"default","gateway":"192.168.7.254","dev":"eth0","flags":[]},{"dst":"1.1.1.1","dev":"eth0","metric":5},
      {"dst":"10.9.0.0/16","nexthops":[{"gateway":"192.168.7.3"}]},{"type":"blackhole","dst":"10.8.0.0/16"},
      {"dst":"10.5.2.0/24","gateway":"10.5.2.0","dev":"flannel.1","flags":["onlink"]}]`;
    expect(stateText(parseRoutes(json, 4))).toBe(`route 0.0.0.0/0 via 192.168.7.254 dev eth0
route 1.1.1.1/32 dev eth0 metric 5
route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink
route 10.9.0.0/16
route blackhole 10.8.0.0/16
`);
    const json6 = `[{"dst":"default","gateway":"fe80::1","dev":"eth0","metric":1024},{"dst":"fd00::1","dev":"eth0","metric":256}]`;
    expect(stateText(parseRoutes(json6, 6))).toBe(
      'route ::/0 via fe80::1 dev eth0 metric 1024\nroute fd00::1/128 dev eth0 metric 256\n',
    );
  });

  test('neighbours and forwarding entries of our device only, permanent ones only', () => {
    const neighbours = `[{"dst":"10.5.2.0","dev":"flannel.1","lladdr":"02:00:00:00:00:AA","state":["PERMANENT"]},
      {"dst":"192.168.7.9","dev":"eth0","lladdr":"02:00:00:00:00:bb"}]`;
    expect(stateText(parseNeighbours(neighbours, ['flannel.1']))).toBe(
      'neighbour 10.5.2.0 lladdr 02:00:00:00:00:aa dev flannel.1\n',
    );
    const fdb = `[{"mac":"33:33:00:00:00:01","flags":["self"],"state":"permanent"},
      {"mac":"02:00:00:00:00:aa","dst":"192.168.7.2","flags":["self"],"state":"permanent"},
      {"mac":"02:00:00:00:00:cc","dst":"192.168.7.3","flags":["self"],"state":"reachable"}]`;
    expect(stateText(parseFdb(fdb, 'flannel.1'))).toBe(
      'fdb 02:00:00:00:00:aa dst 192.168.7.2 dev flannel.1\n',
    );
  });

  test('nothing at all is an empty list, anything else than JSON an error that names the tool', () => {
    expect(parseRoutes('', 4)).toEqual([]);
    expect(() => parseRoutes('default via 192.168.7.254 dev eth0', 4)).toThrow(
      /ip route show did not print the JSON we know/,
    );
    expect(() => parseLinks('[{"mtu":"x"}]')).toThrow(/ip link show/);
  });
});

test.each([
  ['3: eth0@if4: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP', true],
  ['Deleted 10.5.3.0/24 via 10.5.3.0 dev flannel.1 onlink ', true],
  ['192.168.7.9 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE ', false],
  ['10.5.3.0 dev flannel.1 lladdr 02:00:00:00:00:01 PERMANENT ', true],
  ['10.5.3.0 dev flannel.10 lladdr 02:00:00:00:00:01 PERMANENT ', false],
  ['10.9.0.0/24 dev eth0 table 100 scope link ', false],
  ['local 10.1.0.1 dev eth0 table local proto kernel scope host src 10.1.0.1 ', false],
  ['7: table inet 10.1.0.1/24 scope global table', true],
  ['Deleted 192.168.7.3 dev flannel.1 lladdr 02:00:00:00:00:01 NOARP PERMANENT', true],
])('%s concerns us: %s', (line, does) => expect(concernsUs(line, ['flannel.1'])).toBe(does));

test.each([
  ['iptables v1.8.9 (nf_tables)', true],
  ['iptables v1.6.2', true],
  ['iptables v1.6.1', false],
  ['iptables v1.4.21', false],
  ['iptables v2.0', true],
  ['garbage', false],
])('%s is at least 1.6.2: %s', (text, is) => expect(isAtLeast(text, [1, 6, 2])).toBe(is));

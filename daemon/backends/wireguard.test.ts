// wireguard: which devices and peers follow from leases in each mode, and what of a configuration is refused.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type ByFamily, parseCidr } from '../../lib/ip.ts';
import type { Json, Lease } from '../model/lease.ts';
import { encodeKey } from '../model/lease-codec.ts';
import { entryText, type NetEntry, stateText } from '../model/net-state.ts';
import { parseNetworkConfig } from '../model/network-config.ts';
import { type Peer, peerSelector } from '../model/peers.ts';
import { keyPairOf } from '../model/wireguard-key.ts';
import type { Backend, Self } from './backend.ts';
import { chooseBackend } from './index.ts';

const cidr = (text: string) => parseCidr(text) ?? expect.unreachable();
/** Any text makes one. */
const keyOf = (text: string) => createHash('sha256').update(text).digest('base64');
const keys = keyPairOf(keyOf('one')) ?? expect.unreachable();
const own = { 4: '192.168.7.1', 6: 'fd00:7::1' };
const self: Self = {
  uplink: { name: 'eth0', ips: own, mtu: 1500 },
  publicIps: own,
  tunnelIps: own,
  macs: {},
  networks: [cidr('10.5.0.0/16'), cidr('fd00:5::/48')],
  tun: 'flannel0',
  announced: undefined,
  keys,
};
const subnets = { 4: cidr('10.5.1.0/24'), 6: cidr('fd00:5:0:1::/64') };
const v4 = {};
const dual = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };
const v6 = { ...dual, EnableIPv4: false };

function choose(settings: object, network: object = v4) {
  const Backend = { Type: 'wireguard', ...settings };
  const parsed = parseNetworkConfig(JSON.stringify({ Network: '10.5.0.0/16', ...network, Backend }));
  return 'config' in parsed ? chooseBackend(parsed.config) : expect.unreachable();
}
function backendOf(settings: object = {}, network?: object): Backend {
  const chosen = choose(settings, network);
  return 'backend' in chosen ? chosen.backend : expect.unreachable(JSON.stringify(chosen.problems));
}

interface Node {
  readonly n?: number;
  readonly publicIps?: ByFamily<string>;
  readonly data?: Json;
  readonly data6?: Json;
}
/** Node `n` has 10.5.n.0/24 and fd00:5:0:n::/64. */
function leaseOf({ n = 2, publicIps, data, data6 }: Node = {}): Lease {
  const offered = { 4: cidr(`10.5.${n}.0/24`), 6: cidr(`fd00:5:0:${n}::/64`) };
  const usual = { PublicKey: keyOf(`node${n}`), Port: 51_820 };
  return {
    key: encodeKey(offered),
    subnets: offered,
    publicIps: publicIps ?? { 4: `192.168.7.${n}`, 6: `fd00:7::${n}` },
    backendType: 'wireguard',
    backendData: { 4: data ?? usual, 6: data6 ?? { ...usual, Port: 51_821 } },
    revision: 1,
    created: 1,
    grant: '1',
  };
}

/** What follows for a node with these settings from these leases, as text without the long keys. */
function outcome(settings: object, network: object, leases: readonly Lease[], me: Self = self) {
  const backend = backendOf(settings, network);
  const enabled = ([4, 6] as const).filter(family => backend.terms(me).backendData[family] !== undefined);
  const here = Object.fromEntries(enabled.map(family => [family, subnets[family]]));
  const objection = (peer: Peer) => backend.objection(peer, me);
  const select = peerSelector({ terms: backend.terms(me), subnets: here, enabled, objection });
  const { peers, ignored } = select(leases);
  const state = backend.desired({
    self: me,
    subnets: here,
    peers,
    underlay: { isOnLink: () => expect.unreachable() },
  });
  const known = stateText(state)
    .replaceAll(keys.publicKey, 'OURS')
    .replaceAll(keyOf('node2'), 'TWO')
    .replaceAll(keyOf('node3'), 'THREE');
  const text = `${known.trimEnd().split('\n').sort().join('\n')}\n`;
  return {
    text,
    ignored: ignored.map(({ reason }) => reason),
    peers: text.match(/^wireguard-peer .*$/gm) ?? [],
  };
}

describe('devices and peers', () => {
  test('IPv4 alone: one device, one route for all, a peer for each node', () => {
    expect(outcome({}, v4, [leaseOf(), leaseOf({ n: 3 })]).text).toBe(`address 10.5.1.0/32 dev flannel-wg
link flannel-wg  mtu 1420 up wireguard
route 10.5.0.0/16 dev flannel-wg
wireguard key OURS port 51820 dev flannel-wg
wireguard-peer THREE at 192.168.7.3:51820 for 10.5.3.0/24 dev flannel-wg
wireguard-peer TWO at 192.168.7.2:51820 for 10.5.2.0/24 dev flannel-wg
`);
  });

  test('separate: each family has a device, a port and an endpoint of its own', () => {
    expect(outcome({}, dual, [leaseOf()]).text).toBe(`address 10.5.1.0/32 dev flannel-wg
address fd00:5:0:1::/128 dev flannel-wg-v6
link flannel-wg  mtu 1420 up wireguard
link flannel-wg-v6  mtu 1420 up wireguard
route 10.5.0.0/16 dev flannel-wg
route fd00:5::/48 dev flannel-wg-v6 metric 1024
wireguard key OURS port 51820 dev flannel-wg
wireguard key OURS port 51821 dev flannel-wg-v6
wireguard-peer TWO at 192.168.7.2:51820 for 10.5.2.0/24 dev flannel-wg
wireguard-peer TWO at [fd00:7::2]:51821 for fd00:5:0:2::/64 dev flannel-wg-v6
`);
  });

  test.each([
    ['auto', '192.168.7.2:51820'],
    ['ipv4', '192.168.7.2:51820'],
    ['ipv6', '[fd00:7::2]:51820'],
  ])('%s: one device for both families, and one tunnel to %s', (Mode, endpoint) => {
    expect(outcome({ Mode }, dual, [leaseOf()]).text).toBe(`address 10.5.1.0/32 dev flannel-wg
address fd00:5:0:1::/128 dev flannel-wg
link flannel-wg  mtu 1420 up wireguard
route 10.5.0.0/16 dev flannel-wg
route fd00:5::/48 dev flannel-wg metric 1024
wireguard key OURS port 51820 dev flannel-wg
wireguard-peer TWO at ${endpoint} for 10.5.2.0/24,fd00:5:0:2::/64 dev flannel-wg
`);
  });

  test('IPv6 alone: nothing of IPv4 is asked for, in whatever mode', () => {
    expect(outcome({}, v6, [leaseOf()]).text).toBe(`address fd00:5:0:1::/128 dev flannel-wg-v6
link flannel-wg-v6  mtu 1420 up wireguard
route fd00:5::/48 dev flannel-wg-v6 metric 1024
wireguard key OURS port 51821 dev flannel-wg-v6
wireguard-peer TWO at [fd00:7::2]:51821 for fd00:5:0:2::/64 dev flannel-wg-v6
`);
    const { publicIps, ...rest } = self;
    const me = { ...rest, publicIps: { 6: publicIps[6] } };
    for (const Mode of ['auto', 'ipv6'])
      expect(outcome({ Mode }, v6, [leaseOf()], me).peers).toEqual([
        'wireguard-peer TWO at [fd00:7::2]:51820 for fd00:5:0:2::/64 dev flannel-wg',
      ]);
  });

  test('before the lease there is the device, ready to listen, and no peer', () => {
    const wanted = backendOf().desired({
      self,
      subnets: {},
      peers: [],
      underlay: { isOnLink: () => false },
    });
    expect(wanted.map(({ kind }) => kind)).toEqual(['link', 'wireguard']);
  });

  test('keepalive and a shared key are every peer’s; the key is not shown', () => {
    const PSK = keyOf('shared');
    const { peers, text } = outcome({ PSK, PersistentKeepaliveInterval: 25 }, v4, [leaseOf()]);
    expect(peers[0]).toMatch(/ keepalive 25 psk [0-9a-f]{16} dev flannel-wg$/);
    expect(text).not.toContain(PSK);
    expect(outcome({ PSK: '' }, v4, [leaseOf()]).peers[0]).not.toContain('psk');
  });

  test('what stays is the same object, so that nothing of it is looked at again', () => {
    for (const Mode of ['separate', 'auto']) {
      const backend = backendOf({ Mode }, dual);
      const objection = (peer: Peer) => backend.objection(peer, self);
      const select = peerSelector({ terms: backend.terms(self), subnets, enabled: [4, 6], objection });
      const [two, three] = [leaseOf(), leaseOf({ n: 3 })];
      const tunnels = (leases: readonly Lease[]) =>
        backend
          .desired({ self, subnets, peers: select(leases).peers, underlay: { isOnLink: () => false } })
          .filter(({ kind }) => kind === 'wireguard-peer');
      const before = tunnels([two]);
      expect(tunnels([two, three]).slice(0, before.length)).toEqual(before);
      for (const [at, entry] of before.entries()) expect(tunnels([two, three])[at]).toBe(entry);
    }
  });
});

describe('where a peer is', () => {
  const at = (settings: object, node: Node, me?: Self) =>
    outcome(settings, dual, [leaseOf(node)], me).peers.map(text => / at (\S+) /.exec(text)?.[1]);
  const key = { PublicKey: keyOf('node2') };

  test('its own port counts; ours where it says none', () => {
    const ports = { ListenPort: 5000, ListenPortV6: 6000 };
    const said = { data: { ...key, Port: 51_999 }, data6: { ...key, Port: 52_000 } };
    expect(at(ports, said)).toEqual(['192.168.7.2:51999', '[fd00:7::2]:52000']);
    expect(at(ports, { data: key, data6: { ...key, Port: 0 } })).toEqual([
      '192.168.7.2:5000',
      '[fd00:7::2]:6000',
    ]);
    expect(at({ ...ports, Mode: 'ipv6' }, { data: key, data6: key })).toEqual(['[fd00:7::2]:5000']);
  });

  test('with one device, not the port of upstream’s BackendV6Data, where nobody listens', () => {
    const upstreams = { data: { ...key, Port: 51_820 }, data6: { ...key, Port: 51_821 } };
    expect(at({ Mode: 'ipv6' }, upstreams)).toEqual(['[fd00:7::2]:51820']);
    const global = { publicIps: { 4: '192.168.7.2', 6: '2001:db8::2' }, ...upstreams };
    const me = { ...self, publicIps: { 4: '192.168.7.1', 6: '2001:db8::1' } };
    expect(at({ Mode: 'auto' }, global, me)).toEqual(['[2001:db8::2]:51820']);
  });

  test.each([
    ['a public IPv4 address', '203.0.113.2', '2001:db8::2', '2001:db8::1', '203.0.113.2'],
    ['global IPv6 on both sides', '192.168.7.2', '2001:db8::2', '2001:db8::1', '[2001:db8::2]'],
    ['global IPv6 on their side only', '10.1.1.2', '2001:db8::2', 'fd00:7::1', '10.1.1.2'],
    ['global IPv6 on our side only', '172.31.0.2', 'fd00:7::2', '2001:db8::1', '172.31.0.2'],
    ['no IPv6', '172.32.0.2', undefined, '2001:db8::1', '172.32.0.2'],
  ])('auto with %s', (_name, ip4, ip6, own6, expected) => {
    const me = { ...self, publicIps: { 4: '192.168.7.1', 6: own6 } };
    expect(at({ Mode: 'auto' }, { publicIps: { 4: ip4, 6: ip6 } }, me)).toEqual([`${expected}:51820`]);
  });
});

describe('a lease that cannot be used is named', () => {
  test.each<[string, object, Node, RegExp]>([
    ['no key', {}, { data: {} }, /^BackendData has no PublicKey/],
    ['a key that is none', {}, { data: { PublicKey: 'hello' } }, /^BackendData has no PublicKey/],
    ['our own key', {}, { data: { PublicKey: keys.publicKey } }, /our own public key.*key file/],
    ['no address for the mode', { Mode: 'ipv6' }, { publicIps: { 4: '192.168.7.2' } }, /no PublicIPv6/],
  ])('%s', (_name, settings, node, reason) => {
    const { ignored, peers } = outcome(settings, dual, [leaseOf(node), leaseOf({ n: 3 })]);
    expect(ignored).toEqual([expect.stringMatching(reason)]);
    expect(peers.join()).toContain('THREE');
  });
});

describe('what others are told', () => {
  test('key and the port that is really listened on', () => {
    const data = (settings: object, network: object) => backendOf(settings, network).terms(self);
    const PublicKey = keys.publicKey;
    expect(data({}, v4)).toMatchObject({
      backendType: 'wireguard',
      backendData: { 4: { PublicKey, Port: 51_820 } },
    });
    expect(JSON.stringify(data({}, v4).backendData[4])).toBe(`{"PublicKey":"${PublicKey}","Port":51820}`);
    expect(data({ ListenPort: 1, ListenPortV6: 2 }, dual).backendData).toMatchObject({
      4: { Port: 1 },
      6: { PublicKey, Port: 2 },
    });
    for (const Mode of ['auto', 'ipv4', 'ipv6'])
      expect(data({ Mode }, dual).backendData).toMatchObject({ 4: { Port: 51_820 }, 6: { Port: 51_820 } });
  });

  test('containers send 80 bytes less than the uplink or MTU', () => {
    expect(backendOf().mtu(self.uplink)).toBe(1420);
    expect(backendOf({ MTU: 1400 }, dual).mtu(self.uplink)).toBe(1320);
    expect(backendOf({ MTU: 148 }).refuses(self)).toBeUndefined();
    expect(backendOf({ MTU: 147 }).refuses(self)).toMatch(/MTU 147 of Backend\.MTU .* at least 148$/);
    expect(backendOf({ MTU: 1359 }, dual).refuses(self)).toMatch(/at least 1360 with IPv6/);
    const uplink = { ...self.uplink, mtu: 1300 };
    expect(backendOf({}, dual).refuses({ ...self, uplink })).toMatch(/MTU 1300 of eth0/);
  });
});

describe('ours is', () => {
  const peer: NetEntry = {
    kind: 'wireguard-peer',
    dev: 'flannel-wg',
    publicKey: keyOf('gone'),
    endpoint: undefined,
    allowedIps: [],
    keepalive: 0,
    psk: undefined,
  };
  test.each<[boolean, NetEntry]>([
    [true, peer],
    [false, { ...peer, dev: 'wg0' }],
  ])('%s: %j', (ours, entry) => expect(backendOf().isOurs(entry, self), entryText(entry)).toBe(ours));
});

describe('refused, by name', () => {
  test.each<[object, object, string, RegExp]>([
    [{ ListenPort: 0 }, v4, 'ListenPort', /port from 1 to 65535/],
    [{ ListenPort: '51820' }, v4, 'ListenPort', /port from 1 to 65535/],
    [{ ListenPortV6: 70_000 }, v4, 'ListenPortV6', /port from 1 to 65535/],
    [{ ListenPort: 51_821 }, dual, 'ListenPortV6', /is ListenPort as well/],
    [{ PersistentKeepaliveInterval: -1 }, v4, 'PersistentKeepaliveInterval', /seconds from 0 to 65535/],
    [{ PersistentKeepaliveInterval: '25s' }, v4, 'PersistentKeepaliveInterval', /seconds/],
    [{ Mode: 'IPv4' }, v4, 'Mode', /separate, auto, ipv4 or ipv6/],
    [{ Mode: '' }, v4, 'Mode', /separate, auto, ipv4 or ipv6/],
    [{ Mode: 'ipv6' }, v4, 'Mode', /needs EnableIPv6/],
    [{ Mode: 'ipv4' }, v6, 'Mode', /needs EnableIPv4/],
    [{ MTU: -5 }, v4, 'MTU', /bytes/],
  ])('%j', (settings, network, key, problem) =>
    expect(choose(settings, network)).toEqual({
      problems: [
        { key: `Backend.${key}`, value: expect.anything(), problem: expect.stringMatching(problem) },
      ],
    }),
  );

  test.each(['not base64', keyOf('x').slice(1), 5, ['a']])(
    'a PSK that is none, and what it is stays unsaid',
    PSK =>
      expect(choose({ PSK })).toEqual({
        problems: [{ key: 'Backend.PSK', value: '', problem: expect.stringMatching(/^is not/) }],
      }),
  );

  test('one port for both is fine where there is one device', () => {
    expect(choose({ ListenPort: 51_821, Mode: 'auto' }, dual)).toHaveProperty('backend');
    expect(choose({ ListenPort: 51_821 }, v4)).toHaveProperty('backend');
  });
});

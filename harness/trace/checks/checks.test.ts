// Checks of single backends: nothing where all is well, and each cause on its node.
import { expect, test } from 'vitest';
import { aPath, type Change, facts } from '../sides.fixture.ts';
import type { WireguardDevice } from '../wireguard.ts';
import type { Cause } from './finding.ts';
import { findingsOn } from './index.ts';

/** Cause and node of each finding on the way from node1 to node2. */
function found(
  backend: string,
  one: Change = {},
  two: Change = {},
  more: Readonly<Record<string, unknown>> = {},
) {
  return findingsOn(aPath({ Type: backend, ...more }, one, two)).map(({ node, cause }) => `${node} ${cause}`);
}

const now = Math.floor(Date.now() / 1000);

function wg(
  node: 1 | 2,
  change: Partial<WireguardDevice> = {},
  peer: Partial<WireguardDevice['peers'][0]> = {},
) {
  const other = 3 - node;
  const peers = [
    {
      publicKey: `key${other}`,
      endpoint: `192.168.77.1${other}:51820`,
      allowedIps: [`10.5.${other}.0/24`],
      handshake: now - 10,
      ...peer,
    },
  ];
  return { wireguard: [{ name: 'flannel-wg', publicKey: `key${node}`, port: 51820, peers, ...change }] };
}

test('wireguard as it should be', () => {
  expect(found('wireguard', wg(1), wg(2))).toEqual([]);
});

test.each<[string, Change, Change, readonly string[]]>([
  ['no peer on the sender', wg(1, { peers: [] }), wg(2), ['node1 no-peer']],
  ['no peer on the receiver', wg(1), wg(2, { peers: [] }), ['node2 no-peer']],
  ['a peer with another key', wg(1, {}, { publicKey: 'x' }), wg(2), ['node1 wrong-key']],
  ['a device with another key', wg(1), wg(2, { publicKey: 'x' }), ['node2 wrong-key', 'node1 wrong-key']],
  ['another port', wg(1), wg(2, { port: 1 }), ['node2 wrong-port', 'node1 wrong-endpoint']],
  ['another endpoint', wg(1, {}, { endpoint: '192.168.77.99:51820' }), wg(2), ['node1 wrong-endpoint']],
  ['no endpoint', wg(1, {}, { endpoint: undefined }), wg(2), ['node1 wrong-endpoint']],
  ['one over IPv6', wg(1, {}, { endpoint: '[fd00::2]:51820' }), wg(2), []],
  ['allowed IPs of another', wg(1, {}, { allowedIps: ['10.5.9.0/24'] }), wg(2), ['node1 no-allowed-ip']],
  ['nothing accepted', wg(1), wg(2, {}, { allowedIps: [] }), ['node2 no-allowed-ip']],
  ['no handshake', wg(1, {}, { handshake: undefined }), wg(2), ['node1 no-handshake']],
  ['an old handshake', wg(1, {}, { handshake: now - 500 }), wg(2), ['node1 no-handshake']],
])('wireguard: %s', (_, one, two, expected) => {
  expect(found('wireguard', one, two)).toEqual(expected);
});

test('wireguard devices that are missing or down', () => {
  const links = facts(1, 2, 'wireguard').links;
  const gone = { links: links.filter(({ ifname }) => ifname !== 'flannel-wg') };
  const down = { links: links.map(each => (each.ifname === 'flannel-wg' ? { ...each, flags: [] } : each)) };
  expect(found('wireguard', { ...wg(1), ...gone }, wg(2))).toEqual(['node1 device-missing']);
  expect(found('wireguard', { ...wg(1), ...down }, wg(2))).toEqual(['node1 device-down']);
});

const uplinkRoute = { dst: '10.5.2.0/24', gateway: '192.168.77.12', dev: 'eth0' };

test.each<
  [string, Change, Change, Readonly<Record<string, unknown>>, readonly [Cause, 'node1' | 'node2'] | undefined]
>([
  ['as it should be', {}, {}, {}, undefined],
  ['no route', { routes: [] }, {}, {}, ['no-route', 'node1']],
  ['a route past the device', { routes: [uplinkRoute] }, {}, {}, ['wrong-route', 'node1']],
  [
    'a route to another peer',
    { routes: [{ ...uplinkRoute, gateway: '192.168.77.13', dev: 'flannel.ipip' }] },
    {},
    {},
    ['wrong-route', 'node1'],
  ],
  ['direct routing', { routes: [uplinkRoute] }, {}, { DirectRouting: true }, undefined],
  ['direct routing without a route', { routes: [] }, {}, { DirectRouting: true }, ['no-route', 'node1']],
  [
    'a device of another address',
    {},
    { links: facts(2, 1, 'ipip', '192.168.77.99').links },
    {},
    ['wrong-endpoint', 'node2'],
  ],
])('ipip: %s', (_, one, two, more, expected) => {
  const [cause, node] = expected ?? [];
  expect(found('ipip', one, two, more)).toEqual(expected ? [`${node} ${cause}`] : []);
});

test.each<[string, Change, Change, readonly string[]]>([
  ['as it should be', {}, {}, []],
  ['no route', { routes: [] }, {}, ['node1 no-route']],
  ['no listener', { udpPorts: new Map() }, {}, ['node1 pump-dead']],
  ['one that stands still', {}, { udpPorts: new Map([[8285, 'stopped']]) }, ['node2 pump-dead']],
])('udp: %s', (_, one, two, expected) => {
  expect(found('udp', one, two)).toEqual(expected);
});

test('udp: a device that is gone, and one that is down', () => {
  const gone = { links: facts(1, 2, 'udp').links.filter(({ ifname }) => ifname !== 'flannel0') };
  const { links } = facts(2, 1, 'udp');
  const down = { links: links.map(each => (each.ifname === 'flannel0' ? { ...each, flags: [] } : each)) };
  expect(found('udp', gone)).toEqual(['node1 device-missing']);
  expect(found('udp', {}, down)).toEqual(['node2 device-down']);
});

// What `wg` tells of devices, and how large their datagrams are.
import { expect, test } from 'vitest';
import { datagramOf, parseWireguard } from './wireguard.ts';

test('a device and its peers', () => {
  const text = `flannel-wg OWN= 51820
flannel-wg ONE= 192.168.77.12:51820 10.5.2.0/24,fd00::/64 1795415699
flannel-wg TWO= (none) (none) 0
other KEY= 1
`;
  expect(parseWireguard(text)).toEqual([
    {
      name: 'flannel-wg',
      publicKey: 'OWN=',
      port: 51820,
      peers: [
        {
          publicKey: 'ONE=',
          endpoint: '192.168.77.12:51820',
          allowedIps: ['10.5.2.0/24', 'fd00::/64'],
          handshake: 1795415699,
        },
        { publicKey: 'TWO=', endpoint: undefined, allowedIps: [], handshake: undefined },
      ],
    },
    { name: 'other', publicKey: 'KEY=', port: 1, peers: [] },
  ]);
  expect(parseWireguard('')).toEqual([]);
});

test('packets are filled up to 16 bytes, and never beyond the MTU', () => {
  expect(datagramOf(84, 1420)).toBe(136);
  expect(datagramOf(96, 1420)).toBe(136);
  expect(datagramOf(1420, 1420)).toBe(1460);
});

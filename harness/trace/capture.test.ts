// What tcpdump is asked for, and what its lines say of devices.
import { expect, test } from 'vitest';
import { captureFilter, capturePlace, captureText, parseCapture } from './capture.ts';
import type { Plan } from './counters.ts';
import { aPath } from './sides.fixture.ts';

function plan(backend: string): Plan {
  const path = aPath({ Type: backend });
  const datagrams = { small: 264, large: 1460 };
  return {
    table: 't',
    marks: { small: 7, large: 8 },
    datagrams: { request: datagrams, answer: datagrams },
    paths: { request: path, answer: path },
  };
}

test.each([
  ['host-gw', '(icmp[0] = 8 and icmp[24:4] = 7)'],
  ['vxlan', '(icmp[0] = 8 and icmp[24:4] = 7) or (udp[50] = 8 and udp[74:4] = 7)'],
  ['udp', '(icmp[0] = 8 and icmp[24:4] = 7) or (udp[28] = 8 and udp[52:4] = 7)'],
  ['ipip', '(icmp[0] = 8 and icmp[24:4] = 7) or (ip proto 4 and ip[40] = 8 and ip[64:4] = 7)'],
  ['wireguard', '(icmp[0] = 8 and icmp[24:4] = 7) or (udp[4:2] = 264 and udp[8:4] = 0x4000000)'],
])('pings with %s', (backend, expected) => {
  expect(captureFilter(plan(backend), 'request', 'small')).toBe(expected);
});

const listening = 'tcpdump: listening on any, link-type LINUX_SLL2 (Linux cooked v2)\n';

test('devices and directions are counted; without them, or without a capture, nothing is known', () => {
  const printed = `veth12 In  IP 10.5.1.2 > 10.5.2.2: ICMP echo request, id 1, seq 1, length 183
docker0 In  IP 10.5.1.2 > 10.5.2.2: ICMP echo request, id 1, seq 1, length 183
docker0 In  IP 10.5.1.2 > 10.5.2.2: ICMP echo request, id 2, seq 1, length 183
eth0  Out IP 192.168.77.11.4711 > 192.168.77.12.8472: UDP, length 241
`;
  const captured = parseCapture(printed, listening);
  expect(captured).toEqual(
    new Map([
      ['veth12 in', 1],
      ['docker0 in', 2],
      ['eth0 out', 1],
    ]),
  );
  expect(captureText(captured ?? new Map())).toBe('docker0 in, eth0 out');
  expect(captureText(parseCapture('', listening) ?? new Map())).toBe('nothing');
  expect(parseCapture('', 'tcpdump: not found')).toBeUndefined();
  expect(parseCapture('IP 10.5.1.2 > 10.5.2.2: ICMP echo request\n', listening)).toBeUndefined();
});

test('points of a path are devices and directions', () => {
  const places = plan('vxlan').paths.request.points.map(capturePlace);
  expect(places).toEqual([
    'eth0 out',
    'docker0 in',
    undefined,
    undefined,
    'flannel.1 out',
    'eth0 out',
    'eth0 in',
    'flannel.1 in',
    undefined,
    undefined,
    'docker0 out',
    'eth0 in',
  ]);
});

// Round trips from what ping of iputils prints.
import { expect, test } from 'vitest';
import { roundTrips } from './ping.ts';

test('round trips of the answers alone', () => {
  const text = `PING 10.5.14.2 (10.5.14.2) 56(84) bytes of data.
64 bytes from 10.5.14.2: icmp_seq=1 ttl=60 time=0.333 ms
From 10.5.14.1 icmp_seq=2 Destination Host Unreachable
64 bytes from 10.5.14.2: icmp_seq=3 ttl=60 time=12 ms
64 bytes from 10.5.14.2: icmp_seq=3 ttl=60 time=12.5 ms (DUP!)

--- 10.5.14.2 ping statistics ---
3 packets transmitted, 2 received, +1 duplicates, +1 errors, 33.3333% packet loss, time 994ms
rtt min/avg/max/mdev = 0.161/0.259/2.609/0.174 ms
`;
  expect(roundTrips(text)).toEqual([0.333, 12]);
});

test('no answer, no round trip', () => {
  expect(roundTrips('PING 10.5.14.2 (10.5.14.2) 56(84) bytes of data.\n')).toEqual([]);
});

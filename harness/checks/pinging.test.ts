// Counting what `ping -O` printed.
import { expect, test } from 'vitest';
import { countAnswers } from './pinging.ts';

const output = `target 10.5.3.2
PING 10.5.3.2 (10.5.3.2) 56(84) bytes of data.
64 bytes from 10.5.3.2: icmp_seq=1 ttl=62 time=0.05 ms
no answer yet for icmp_seq=2
no answer yet for icmp_seq=3
64 bytes from 10.5.3.2: icmp_seq=3 ttl=62 time=21 ms
64 bytes from 10.5.3.2: icmp_seq=4 ttl=62 time=0.05 ms

--- 10.5.3.2 ping statistics ---
5 packets transmitted, 3 received, 40% packet loss, time 80ms
target 10.5.4.2
PING 10.5.4.2 (10.5.4.2) 56(84) bytes of data.
64 bytes from 10.5.4.2: icmp_seq=1 ttl=62 time=0.05 ms
`;

test('late answers count as answered, and the ping that was under way at the end is not lost', () => {
  expect(countAnswers(output, 'node1/a')).toEqual({
    sent: 5,
    lost: 1,
    details: ['node1/a to 10.5.3.2: 1 of 4 (icmp_seq 2)'],
  });
});

test('nothing sent is nothing lost', () => {
  expect(countAnswers('', 'node1/a')).toEqual({ sent: 0, lost: 0, details: [] });
});

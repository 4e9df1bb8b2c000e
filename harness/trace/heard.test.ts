// What is heard of lost pings explains a loss only where it can be meant.
import { expect, test } from 'vitest';
import { type Heard, heardBlame, nothingHeard } from './heard.ts';
import { hopAfter, type Stage } from './path.ts';
import { aPath } from './sides.fixture.ts';

const path = aPath({ Type: 'vxlan' });

function blamed(last: Stage, heard: Partial<Heard>) {
  const stages = path.points.map(({ stage }) => stage);
  const next = stages[stages.indexOf(last) + 1];
  const loss = { direction: 'request', path, large: false, last, next } as const;
  const told = heardBlame(loss, hopAfter(path, last), 'filter-drop', { ...nothingHeard, ...heard });
  return told && `${told.cause}: ${told.text}`;
}

const drops = (reason: string, count = 6, where = 'ip_forward') => ({ drops: [{ reason, where, count }] });

test.each<[Stage, string, string | undefined]>([
  [
    'tunnel-in',
    'XFRM_POLICY',
    'ipsec-drop: the kernel drops it in ip_forward: XFRM_POLICY (a policy of IPsec blocks it)',
  ],
  [
    'tunnel-in',
    'NETFILTER_DROP',
    'filter-drop: the kernel drops it in ip_forward: NETFILTER_DROP (a packet filter does)',
  ],
  [
    'tunnel-out',
    'NEIGH_FAILED',
    'underlay-partition: the kernel drops it in ip_forward: NEIGH_FAILED (nobody answers for the next hop)',
  ],
  [
    'forward-out',
    'NEIGH_FAILED',
    'no-neighbour: the kernel drops it in ip_forward: NEIGH_FAILED (nobody answers for the next hop)',
  ],
  ['tunnel-in', 'SOMETHING_NEW', 'kernel-drop: the kernel drops it in ip_forward: SOMETHING_NEW'],
  ['uplink-out', 'NETFILTER_DROP', undefined],
  [
    'uplink-out',
    'QDISC_DROP',
    'queue-drop: the kernel drops it in ip_forward: QDISC_DROP (a queue is full or lets nothing pass)',
  ],
])('%s and %s', (last, reason, expected) => {
  expect(blamed(last, drops(reason))).toBe(expected);
});

test('a function says what an unspecified reason does not, and few drops may be of others', () => {
  expect(blamed('tunnel-in', drops('NOT_SPECIFIED', 6, 'ip_error'))).toMatch(
    /^no-route: .*no route leads to it/,
  );
  expect(blamed('tunnel-in', drops('XFRM_POLICY', 2))).toBeUndefined();
  expect(blamed('tunnel-in', {})).toBeUndefined();
});

test('captured before counters see it, or not captured after they did', () => {
  const captured = (node: string, ...places: readonly string[]) => ({
    captured: new Map([[node, new Map(places.map(place => [place, 6]))]]),
  });
  expect(blamed('uplink-in', captured('node2', 'eth0 in', 'flannel.1 in'))).toMatch(
    /^filter-drop: .*flannel.1/,
  );
  expect(blamed('uplink-out', captured('node1', 'docker0 in', 'flannel.1 out'))).toMatch(/^queue-drop: eth0/);
  expect(blamed('uplink-out', captured('node1', 'docker0 in', 'eth0 out'))).toBeUndefined();
  // It proves nothing that a capture is empty.
  expect(blamed('uplink-out', captured('node1'))).toBeUndefined();
});

// A reading that is kept up says of the kernel what a comparison of the whole would say.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diff, type Plan } from './diff.ts';
import { entryText, type NetEntry, type RouteEntry } from './net-state.ts';
import { Reading } from './reading.ts';

const route = (to: string, via: string, protocol = 'boot'): RouteEntry => ({
  kind: 'route',
  to,
  via,
  dev: 'eth0',
  onlink: false,
  metric: 0,
  protocol,
});
const [one, two, three] = ['10.5.1.0/24', '10.5.2.0/24', '10.5.3.0/24'];
const present: readonly NetEntry[] = [
  route(one, '192.168.7.9'),
  route(two, '192.168.7.2'),
  route(three, '192.168.7.9', 'kernel'),
  { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '0' },
];
const isOurs = (entry: NetEntry) => entry.kind === 'route' && entry.protocol === 'boot';

// Rivals for one key, equal ones among them; what stands in the way of one is not ours; one has nothing to be set.
const wishes: readonly NetEntry[] = [
  { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' },
  { kind: 'sysctl', path: 'net/ipv6/conf/all/forwarding', value: '1' },
  ...[one, two, three, '10.5.4.0/24'].flatMap(to => [
    route(to, '192.168.7.2'),
    route(to, '192.168.7.2'),
    route(to, '192.168.7.3'),
  ]),
];

function said({ ops, conflicts }: Plan): string[] {
  return [
    ...ops.map(op => [
      op.verb,
      entryText(op.entry),
      op.verb === 'put' && op.replaces && entryText(op.replaces),
    ]),
    ...conflicts.map(({ wanted, present: there }) => ['conflict', entryText(wanted), entryText(there)]),
  ]
    .map(words => words.filter(Boolean).join(' | '))
    .sort();
}

test('whatever the wishes were before', () => {
  fc.assert(
    fc.property(fc.array(fc.shuffledSubarray([...wishes])), lists => {
      const reading = new Reading(present);
      for (const wanted of lists) {
        const plan = reading.compare(wanted, isOurs);
        expect(said(plan)).toEqual(said(diff(wanted, reading.state, isOurs)));
        reading.settle(plan.ops);
        const again = reading.compare(wanted, isOurs);
        expect(said(again)).toEqual(said({ ops: [], conflicts: plan.conflicts }));
        reading.settle(again.ops);
      }
    }),
    { numRuns: 500 },
  );
});

test('only wishes that are new are looked at', () => {
  const asked: NetEntry[] = [];
  const reading = new Reading(present);
  const [a, b, c] = [one, two, '10.5.4.0/24'].map(to => route(to, '192.168.7.2'));
  if (!a || !b || !c) return expect.unreachable();
  reading.settle(reading.compare([a, b], isOurs).ops);
  const { ops } = reading.compare([a, c], entry => asked.push(entry) > 0);
  expect(ops).toEqual([
    { verb: 'put', entry: c, replaces: undefined },
    { verb: 'remove', entry: b },
  ]);
  expect(asked).toEqual([b]);
});

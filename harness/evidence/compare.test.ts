// Differences that count: what is a node's own is not one, an entry that is missing is.
import { expect, test } from 'vitest';
import { besideAnother, besideItself, difference, healthiest, type Member } from './compare.ts';
import type { NodeState } from './state.ts';

const members = [1, 2, 3].map(
  (number): Member => ({
    name: `node${number}`,
    address: `192.168.77.1${number}`,
    lease: `10.5.${number}.0/24`,
    workloads: [{ address: `10.5.${number}.2` }],
  }),
);

/** As the daemon leaves it: entries for the two others. */
function state(self: number, but: readonly string[] = []): NodeState {
  const peers = [1, 2, 3].filter(number => number !== self);
  return {
    node: `node${self}`,
    at: 0,
    own: new Map([
      [`02:00:00:00:00:0${self}`, 'MAC of flannel.1'],
      ['02:42:00:00:00:01', 'MAC of docker0'],
      [`192.168.77.1${self}`, 'address of eth0'],
      [`fd00:77::${self}`, 'address of eth0'],
    ]),
    lines: [
      `link flannel.1 vxlan up mtu 1450 mac 02:00:00:00:00:0${self} local 192.168.77.1${self}`,
      'link docker0 bridge up mtu 1450 mac 02:42:00:00:00:01',
      `address fd00:77::${self}/64 dev eth0`,
      `route dst 10.5.${self}.0/24 dev docker0`,
      `iptables -A FORWARD -s 10.5.${self}.2/32 -j ACCEPT`,
      ...peers.map(peer => `route dst 10.5.${peer}.0/24 gateway 10.5.${peer}.0 dev flannel.1`),
      ...peers.map(peer => `fdb mac 02:00:00:00:00:0${peer} dst 192.168.77.1${peer} ifname flannel.1`),
    ].filter(line => !but.some(text => line.startsWith(text))),
  };
}

const states = [state(1), state(2), state(3)];

test('nodes that are alike but for what is their own do not differ', () => {
  const [one, two] = [state(1), state(2)];
  expect(besideAnother(one, two, members, states)).toEqual({
    node: 'node2',
    beside: 'node1, which is healthy',
    missing: [],
    extra: [],
  });
});

test('what is missing is told by its role', () => {
  const sick = state(2, ['fdb mac 02:00:00:00:00:03', 'route dst 10.5.1.0/24']);
  const { missing, extra } = besideAnother(state(1), sick, members, [state(1), sick, state(3)]);
  expect(missing).toEqual([
    "fdb mac <node3's MAC of flannel.1> dst <node3's address of eth0> ifname flannel.1",
    "route dst <peer's subnet> gateway <peer's tunnel address> dev flannel.1",
  ]);
  expect(extra).toEqual([]);
});

test('an address is not a part of a longer one', () => {
  const long = (node: string): NodeState => ({
    node,
    at: 0,
    own: new Map(),
    lines: ['rule 192.168.77.110', 'rule 1192.168.77.11'],
  });
  expect(besideAnother(long('node1'), long('node2'), members, []).missing).toEqual([]);
});

test('a state beside an earlier one is compared as it is, and copies count', () => {
  expect(difference(['a', 'b', 'b'], ['b', 'c'])).toEqual({ missing: ['a', 'b'], extra: ['c'] });
  const { beside, missing } = besideItself(state(1), state(1, ['fdb mac 02:00:00:00:00:03']), 'at 3.2 s');
  expect(beside).toBe('itself at 3.2 s');
  expect(missing).toEqual(['fdb mac 02:00:00:00:00:03 dst 192.168.77.13 ifname flannel.1']);
});

test('healthy is who is not blamed and fails least; among equals nobody is', () => {
  const wrong: Readonly<Record<string, number>> = { node1: 4, node2: 2, node3: 2 };
  const count = (name: string) => wrong[name] ?? 0;
  expect(healthiest(members, () => false, count)).toBe('node2');
  expect(healthiest(members, name => name === 'node2', count)).toBe('node3');
  expect(
    healthiest(
      members,
      () => false,
      () => 2,
    ),
  ).toBeUndefined();
  expect(
    healthiest(
      [],
      () => false,
      () => 0,
    ),
  ).toBeUndefined();
});

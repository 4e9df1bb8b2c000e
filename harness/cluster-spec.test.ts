// What a cluster is unless told otherwise, and what it cannot be.
import { expect, test } from 'vitest';
import { clusterSpec } from './cluster-spec.ts';

test('one etcd, or so many that one can be lost', () => {
  expect(clusterSpec({ driver: 'netns' }).etcdMembers).toBe(1);
  expect(clusterSpec({ driver: 'netns', etcdMembers: 5 }).etcdMembers).toBe(5);
});

test.each([
  [{ name: 'Lab' }, '"Lab" cannot name a cluster'],
  [{ nodes: 0 }, 'a cluster of 0 nodes'],
  [{ mtu: 500 }, 'MTU of 500'],
  [{ bare: true }, 'a bare node of driver netns is not made'],
  [{ etcdMembers: 2 }, 'an etcd of 2 members is not made'],
  [{ etcdMembers: 7 }, 'an etcd of 7 members is not made'],
])('%j is refused', (input, message) => {
  expect(() => clusterSpec({ driver: 'netns', ...input })).toThrow(message);
});

// Operands are taken in order, and what is wrong with them is said with the values.
import { expect, test } from 'vitest';
import type { NodeHandle } from '../drivers/driver.ts';
import { Words } from './words.ts';

const nodes = ['node1', 'node2', 'node3'].map(name => ({ name }) as NodeHandle);
const words = (line: string) =>
  new Words(
    line.split(' ').filter(Boolean),
    { nodes, members: ['etcd1', 'etcd2', 'etcd3'] },
    'lab fault x <node>',
  );

test('each operand is what its kind asks for', () => {
  const given = words('node2 node1,node3 one-way 30 rest etcd2');
  expect(given.node().name).toBe('node2');
  expect(given.nodes()?.map(({ name }) => name)).toEqual(['node1', 'node3']);
  expect(given.choice(['both', 'one-way'])).toBe('one-way');
  expect(given.number('percent', [1, 99])).toBe(30);
  expect(given.text('a word')).toBe('rest');
  expect(given.member()).toBe('etcd2');
  given.end();
});

test('what is left out has its default', () => {
  const none = words('');
  expect(none.nodes()).toBeUndefined();
  expect(none.optional()).toBeUndefined();
  expect(none.anyMember()).toBeUndefined();
  expect(none.choice(['both', 'one-way'], 'both')).toBe('both');
  expect(none.number('times', [1, 9], 3)).toBe(3);
  none.end();
});

test.each<[line: string, take: (given: Words) => unknown, complaint: string]>([
  ['', given => given.node(), 'say a node'],
  ['node9', given => given.node(), 'there is no node9; nodes are node1, node2, node3'],
  ['node1,node9', given => given.nodes(), 'there is no node9'],
  ['', given => given.choice(['refuse', 'drop']), 'say one of refuse, drop'],
  ['refusr', given => given.choice(['refuse', 'drop']), 'did you mean refuse?'],
  ['100', given => given.number('percent', [1, 99]), '100: percent is a whole number from 1 to 99'],
  ['1e1', given => given.number('percent', [1, 99]), '1e1: percent is a whole number from 1 to 99'],
  ['', given => given.member(), 'say a member of etcd'],
  ['etcd', given => given.anyMember(), 'etcd has no member etcd; it has etcd1, etcd2, etcd3'],
  ['a b', given => given.end(), 'a b: too many operands'],
])('%j is misuse', (line, take, complaint) => {
  expect(() => take(words(line))).toThrow(
    expect.objectContaining({ message: expect.stringContaining(complaint), hint: 'lab fault x <node>' }),
  );
});

// The nearest known word to a mistyped one.
import { expect, test } from 'vitest';
import { nearest } from './errors.ts';

const known = ['etcd-prefix', 'etcd-endpoints', 'iface', 'v'];

test.each([
  ['etcd-prefx', 'etcd-prefix'],
  ['etcd-endpoint', 'etcd-endpoints'],
  ['ifcae', 'iface'],
  ['vv', 'v'],
  ['x', undefined],
  ['nothing-like-it', undefined],
])('%s is nearest to %s', (word, name) => expect(nearest(word, known)).toBe(name));

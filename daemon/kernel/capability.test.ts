// What can be told from /proc of the right to change the network.
import { expect, test } from 'vitest';
import { mayAdminister } from './capability.ts';

const status = (effective: string) =>
  `Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${effective}\nCapBnd:\t1\n`;
const host = '         0          0 4294967295\n';

test.each([
  ['root', '000001ffffffffff', host, true],
  ['with that capability alone', '0000000000001000', host, true],
  ['without it', '000001ffffffefff', host, false],
  ['nobody', '0000000000000000', host, false],
  ['root of a user namespace', '000001ffffffffff', '         0       1000          1\n', undefined],
  ['nobody in one', '0000000000000000', '         0       1000          1\n', false],
])('%s', (_who, effective, uidMap, expected) =>
  expect(mayAdminister(status(effective), uidMap)).toBe(expected),
);

test('without /proc only trying can tell', () => expect(mayAdminister('', '')).toBeUndefined());

// The address of systemd's socket, by path and by abstract name.
import { endianness } from 'node:os';
import { expect, test } from 'vitest';
import { socketAddress } from './notify.ts';

const family = endianness() === 'LE' ? '\x01\0' : '\0\x01';

test('a path ends in a zero byte, an abstract name starts with one', () => {
  expect(socketAddress('/run/x').toString('latin1')).toBe(`${family}/run/x\0`);
  expect(socketAddress('@x/y').toString('latin1')).toBe(`${family}\0x/y`);
});

test('a name that does not fit is refused', () => {
  expect(() => socketAddress('')).toThrow(/not a socket path/);
  expect(() => socketAddress(`/${'x'.repeat(108)}`)).toThrow(/not a socket path/);
});

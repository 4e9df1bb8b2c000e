// Internet checksums against the text of the RFC.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold, sum, swap } from './checksum.ts';
import { Memory } from './memory.ts';
import { slowSum } from './packets.fixture.ts';

const memory = new Memory(new ArrayBuffer(70_000));
/** The same number in ones' complement: 0 is written in two ways. */
const same = (a: number, b: number) => expect(a % 0xffff).toBe(b % 0xffff);

test('sums are those of RFC 1071, wherever the bytes are and however many', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(16), (bytes, at) => {
      memory.bytes.set(bytes, at);
      same(swap(fold(sum(memory, at, bytes.length))), slowSum(bytes));
    }),
  );
});

test('64 KiB of ones do not overflow', () => {
  memory.bytes.fill(0xff);
  same(swap(fold(sum(memory, 0, 65_535))), slowSum(memory.bytes.subarray(0, 65_535)));
});

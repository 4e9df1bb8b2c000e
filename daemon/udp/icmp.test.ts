// What senders are told, and when nothing is said.
import { describe, expect, test } from 'vitest';
import { createLimit, mayAnswer, type Trouble, writeIcmp } from './icmp.ts';
import { Memory } from './memory.ts';
import { takeHop } from './packet.ts';
import { addressOf, complaints, packet, slowSum } from './packets.fixture.ts';

const memory = new Memory(new ArrayBuffer(8192));
const [at, to, from] = [12, 4096, 8000];

function tell(bytes: Buffer, family: 4 | 6, trouble: Trouble, mtu = 0): Buffer {
  memory.bytes.set(bytes, at);
  memory.bytes.set(addressOf(family, 9), from);
  const length = writeIcmp(memory, to, { at, length: bytes.length, family }, trouble, from, mtu);
  return Buffer.from(memory.bytes.slice(to, to + length));
}
const large = (family: 4 | 6) => packet({ family, proto: 'udp', payload: Buffer.alloc(2000, 3) });

describe.each([4, 6] as const)('IPv%i', family => {
  const l4 = family === 4 ? 20 : 40;
  test.each([
    ['no route', family === 4 ? [3, 0] : [1, 0]],
    ['no hops left', family === 4 ? [11, 0] : [3, 0]],
    ['too large', family === 4 ? [3, 4] : [2, 0]],
  ] as const)('%s', (trouble, code) => {
    const told = tell(large(family), family, trouble, 1400);
    expect(complaints(told)).toEqual([]);
    expect([told[l4], told[l4 + 1]]).toEqual(code);
    expect(told.length).toBe(family === 4 ? 576 : 1280);
    const ends = family === 4 ? [12, 16, 20] : [8, 24, 40];
    expect(told.subarray(ends[0], ends[1])).toEqual(addressOf(family, 9));
    expect(told.subarray(ends[1], ends[2])).toEqual(addressOf(family, 1));
    expect(told.subarray(l4 + 8)).toEqual(large(family).subarray(0, told.length - l4 - 8));
    if (trouble === 'too large')
      expect(family === 4 ? told.readUInt16BE(l4 + 6) : told.readUInt32BE(l4 + 4)).toBe(1400);
  });
});

describe('nothing is said', () => {
  const ask = (bytes: Buffer, family: 4 | 6 = 4) => {
    memory.bytes.set(bytes, at);
    return mayAnswer(memory, at, bytes.length, family);
  };
  const four = (change: (bytes: Buffer) => void) => {
    const bytes = packet({ family: 4, proto: 'udp', payload: Buffer.alloc(8) });
    change(bytes);
    return ask(bytes);
  };
  const icmp = (type: number) => four(bytes => bytes.fill(1, 9, 10).fill(type, 20, 21));
  test('of errors, but of echo requests', () => {
    expect([3, 11, 5, 12].map(icmp)).toEqual([false, false, false, false]);
    expect(icmp(8)).toBe(true);
  });
  test('of later fragments, groups and nobodies', () => {
    expect(four(() => {})).toBe(true);
    expect(four(bytes => bytes.writeUInt16BE(0x2000, 6))).toBe(true);
    expect(four(bytes => bytes.writeUInt16BE(7, 6))).toBe(false);
    expect(four(bytes => bytes.fill(224, 16, 17))).toBe(false);
    expect(four(bytes => bytes.fill(255, 16, 20))).toBe(false);
    expect(four(bytes => bytes.fill(0, 12, 16))).toBe(false);
    expect(four(bytes => bytes.fill(127, 12, 13))).toBe(false);
  });
  test('of IPv6 errors, groups and the unspecified address', () => {
    const six = (change: (bytes: Buffer) => void) => {
      const bytes = packet({ family: 6, proto: 'udp', payload: Buffer.alloc(8) });
      change(bytes);
      return ask(bytes, 6);
    };
    expect(six(() => {})).toBe(true);
    expect(six(bytes => bytes.fill(58, 6, 7).fill(1, 40, 41))).toBe(false);
    expect(six(bytes => bytes.fill(58, 6, 7).fill(128, 40, 41))).toBe(true);
    expect(six(bytes => bytes.fill(0xff, 24, 25))).toBe(false);
    expect(six(bytes => bytes.fill(0, 8, 24))).toBe(false);
  });
  test('more than a burst, and then as time allows', () => {
    const may = createLimit();
    const many = (now: number) => Array.from({ length: 100 }, () => may(now)).filter(Boolean).length;
    expect([many(10_000), many(10_000), many(10_010), many(20_000)]).toEqual([50, 0, 10, 50]);
  });
});

test('a hop costs one, and the header stays true', () => {
  for (let hops = 255; hops > 0; hops--) {
    const bytes = packet({ family: 4, proto: 'udp', hops, id: hops * 251, payload: Buffer.alloc(4) });
    memory.bytes.set(bytes, at);
    expect(takeHop(memory, at, 4)).toBe(hops > 1);
    if (hops > 1) expect(memory.bytes[at + 8]).toBe(hops - 1);
    expect(slowSum(memory.bytes.subarray(at, at + 20))).toBe(0xffff);
  }
});

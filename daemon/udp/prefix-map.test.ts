// The longest prefix wins, among any number of them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cidr, cidr, contains, type Family, formatIp, parseCidr, parseIp } from '../../lib/ip.ts';
import { Memory } from './memory.ts';
import { PrefixMap } from './prefix-map.ts';

const memory = new Memory(new ArrayBuffer(64));
const bits = { 4: 32, 6: 128 } as const;

function find(map: PrefixMap, family: Family, value: bigint): number {
  for (let n = 0; n < bits[family] / 8; n++)
    memory.bytes[8 + n] = Number((value >> BigInt(bits[family] - 8 - 8 * n)) & 0xffn);
  return map.find(memory, 8);
}

function mapOf(entries: readonly (readonly [Cidr, number])[]): PrefixMap {
  const map = new PrefixMap();
  for (const [prefix, found] of entries) map.set(prefix, found);
  return map;
}

test.each([4, 6] as const)('IPv%i: as a search through all would find it', family => {
  const address = fc.bigInt({ min: 0n, max: (1n << BigInt(bits[family])) - 1n });
  fc.assert(
    fc.property(
      fc.array(fc.record({ address, length: fc.integer({ min: 0, max: bits[family] }) }), { maxLength: 12 }),
      fc.array(address, { maxLength: 4 }),
      (prefixes, others) => {
        const entries = prefixes.map(
          ({ address: value, length }, n) => [cidr({ family, value }, length), n] as const,
        );
        const map = mapOf(entries);
        const slowly = (value: bigint) => {
          const those = entries.filter(([prefix]) => contains(prefix, { family, value }));
          const longest = Math.max(...those.map(([{ length }]) => length));
          return those.findLast(([{ length }]) => length === longest)?.[1] ?? -1;
        };
        for (const value of [...others, ...prefixes.map(({ address }) => address)])
          expect(find(map, family, value), formatIp({ family, value })).toBe(slowly(value));
      },
    ),
  );
});

test('subnets of one size are told apart at their edges', () => {
  const subnets = ['10.5.0.0/24', '10.5.1.0/24', '255.255.255.0/24'].map(text => parseCidr(text) as Cidr);
  const map = mapOf(subnets.map((subnet, n) => [subnet, n] as const));
  const at = (text: string) => find(map, 4, parseIp(text)?.value ?? 0n);
  expect(['10.5.0.255', '10.5.1.0', '10.5.1.255', '10.5.2.0', '255.255.255.255'].map(at)).toEqual([
    0, 1, 1, -1, 2,
  ]);
});

// Free subnets: never one that overlaps a lease, never one outside of the range, all of them in the end.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cidr, cidr as cidrOf, formatCidr, overlaps, parseCidr } from '../../lib/ip.ts';
import { allocate, freeSubnets } from './allocate.ts';
import { capacity, fits, parseNetworkConfig, type Range } from './network-config.ts';

function rangeOf(document: object, family: 4 | 6 = 4): Range {
  const result = parseNetworkConfig(JSON.stringify(document));
  return ('config' in result && result.config.ranges[family]) || expect.unreachable();
}
const cidr = (text: string): Cidr => parseCidr(text) ?? expect.unreachable();
const eight = rangeOf({ Network: '10.5.0.0/16', SubnetMin: '10.5.1.0', SubnetMax: '10.5.8.0' });

describe('free subnets', () => {
  test('the ones in use are left out, whatever their length', () => {
    const taken = ['10.5.1.0/24', '10.5.3.128/25', '10.5.4.0/23', '10.9.0.0/16', '10.5.8.7/30'].map(cidr);
    expect(freeSubnets(eight, taken, 100).map(formatCidr)).toEqual([
      '10.5.2.0/24',
      '10.5.6.0/24',
      '10.5.7.0/24',
    ]);
  });

  test('a lease over everything leaves nothing', () => {
    expect(allocate(eight, [cidr('10.0.0.0/8')], Math.random)).toBeUndefined();
  });

  test('the choice is among the first hundred', () => {
    const wide = rangeOf({ Network: '10.0.0.0/8' });
    expect(formatCidr(allocate(wide, [], () => 0) ?? cidr('0.0.0.0/0'))).toBe('10.0.1.0/24');
    expect(formatCidr(allocate(wide, [], () => 0.999) ?? cidr('0.0.0.0/0'))).toBe('10.0.100.0/24');
  });

  test('IPv6 has its own range, as large as it may be', () => {
    const range = rangeOf({ EnableIPv4: false, EnableIPv6: true, IPv6Network: 'fd00::/16' }, 6);
    expect(capacity(range)).toBe(2n ** 48n - 1n);
    expect(freeSubnets(range, [cidr('fd00:0:0:1::/64'), cidr('10.5.0.0/16')], 2).map(formatCidr)).toEqual([
      'fd00:0:0:2::/64',
      'fd00:0:0:3::/64',
    ]);
  });

  test('the last subnet of the address space is reached', () => {
    const end = rangeOf({
      Network: '255.255.0.0/16',
      SubnetMin: '255.255.254.0',
      SubnetMax: '255.255.255.0',
    });
    expect(freeSubnets(end, [], 100).map(formatCidr)).toEqual(['255.255.254.0/24', '255.255.255.0/24']);
  });
});

const anyCidr = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }))
  .map(([ip, length]) => cidrOf({ family: 4, value: BigInt(ip) }, length));
const near = fc
  .tuple(fc.integer({ min: 0, max: 0xfff }), fc.integer({ min: 20, max: 31 }))
  .map(([offset, length]) => cidrOf({ family: 4, value: cidr('10.5.0.0/16').base + BigInt(offset) }, length));

test('what is allocated fits the range and overlaps no lease; nothing is left only when everything is taken', () => {
  const taken = fc.array(fc.oneof(near, near, anyCidr), { maxLength: 30 });
  fc.assert(
    fc.property(taken, fc.double({ min: 0, max: 0.999, noNaN: true }), (leases, dice) => {
      const subnet = allocate(eight, leases, () => dice);
      if (subnet) {
        expect(fits(eight, subnet)).toBe(true);
        expect(leases.some(lease => overlaps(lease, subnet))).toBe(false);
      } else {
        const all = Array.from({ length: Number(capacity(eight)) }, (_, n) => cidr(`10.5.${n + 1}.0/24`));
        expect(all.every(one => leases.some(lease => overlaps(lease, one)))).toBe(true);
      }
    }),
  );
});

test('taken one after the other, all subnets are given out once', () => {
  const leases: Cidr[] = [];
  for (
    let subnet = allocate(eight, leases, Math.random);
    subnet;
    subnet = allocate(eight, leases, Math.random)
  )
    leases.push(subnet);
  expect(new Set(leases.map(formatCidr)).size).toBe(8);
});

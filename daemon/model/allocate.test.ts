// Free subnets: never one that overlaps a lease, never one outside of the range, all of them in the end.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cidr4, cidr4, formatCidr4, overlaps, parseCidr4 } from '../../lib/ip.ts';
import { allocate, freeSubnets } from './allocate.ts';
import { capacity, fits, type NetworkConfig, parseNetworkConfig } from './network-config.ts';

function configOf(document: object): NetworkConfig {
  const result = parseNetworkConfig(JSON.stringify(document));
  return 'config' in result ? result.config : expect.unreachable();
}
const cidr = (text: string): Cidr4 => parseCidr4(text) ?? expect.unreachable();
const eight = configOf({ Network: '10.5.0.0/16', SubnetMin: '10.5.1.0', SubnetMax: '10.5.8.0' });

describe('free subnets', () => {
  test('the ones in use are left out, whatever their length', () => {
    const taken = ['10.5.1.0/24', '10.5.3.128/25', '10.5.4.0/23', '10.9.0.0/16', '10.5.8.7/30'].map(cidr);
    expect(freeSubnets(eight, taken, 100).map(formatCidr4)).toEqual([
      '10.5.2.0/24',
      '10.5.6.0/24',
      '10.5.7.0/24',
    ]);
  });

  test('a lease over everything leaves nothing', () => {
    expect(allocate(eight, [cidr('10.0.0.0/8')], Math.random)).toBeUndefined();
  });

  test('the choice is among the first hundred', () => {
    const wide = configOf({ Network: '10.0.0.0/8' });
    expect(formatCidr4(allocate(wide, [], () => 0) ?? cidr('0.0.0.0/0'))).toBe('10.0.1.0/24');
    expect(formatCidr4(allocate(wide, [], () => 0.999) ?? cidr('0.0.0.0/0'))).toBe('10.0.100.0/24');
  });

  test('the last subnet of the address space is reached', () => {
    const end = configOf({
      Network: '255.255.0.0/16',
      SubnetMin: '255.255.254.0',
      SubnetMax: '255.255.255.0',
    });
    expect(freeSubnets(end, [], 100).map(formatCidr4)).toEqual(['255.255.254.0/24', '255.255.255.0/24']);
  });
});

const anyCidr = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }))
  .map(([ip, length]) => cidr4(ip, length));
const near = fc
  .tuple(fc.integer({ min: 0, max: 0xfff }), fc.integer({ min: 20, max: 31 }))
  .map(([offset, length]) => cidr4(cidr('10.5.0.0/16').base + offset, length));

test('what is allocated fits the range and overlaps no lease; nothing is left only when everything is taken', () => {
  const taken = fc.array(fc.oneof(near, near, anyCidr), { maxLength: 30 });
  fc.assert(
    fc.property(taken, fc.double({ min: 0, max: 0.999, noNaN: true }), (leases, dice) => {
      const subnet = allocate(eight, leases, () => dice);
      if (subnet) {
        expect(fits(eight, subnet)).toBe(true);
        expect(leases.some(lease => overlaps(lease, subnet))).toBe(false);
      } else {
        const all = Array.from({ length: capacity(eight) }, (_, n) => cidr(`10.5.${n + 1}.0/24`));
        expect(all.every(one => leases.some(lease => overlaps(lease, one)))).toBe(true);
      }
    }),
  );
});

test('taken one after the other, all subnets are given out once', () => {
  const leases: Cidr4[] = [];
  for (
    let subnet = allocate(eight, leases, Math.random);
    subnet;
    subnet = allocate(eight, leases, Math.random)
  )
    leases.push(subnet);
  expect(new Set(leases.map(formatCidr4)).size).toBe(8);
});

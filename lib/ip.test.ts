// Addresses read and print as the rest of the world writes them; prefixes calculate without losing a bit.
import { isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalIp,
  cidr,
  contains,
  formatCidr,
  formatIp,
  hostIn,
  last,
  overlaps,
  parseCidr,
  parseIp,
  step,
} from './ip.ts';

const prefix = (text: string) => parseCidr(text) ?? expect.unreachable(text);

describe('addresses', () => {
  test.each([
    ['10.5.3.1', '10.5.3.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['FD00:5:0:A::', 'fd00:5:0:a::'],
    ['fd00:0005:0000:000a:0000:0000:0000:0001', 'fd00:5:0:a::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['10:0:1:0:0:2:3:4', '10:0:1::2:3:4'],
    ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s is written %s', (text, canonical) => expect(canonicalIp(text)).toBe(canonical));

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4/24',
    'fe80::1%eth0',
    ':::',
    'x::',
    '1::2::3',
  ])('%j is no address', text => expect(parseIp(text)).toBeUndefined());

  test('any IPv6 address prints as the system prints it, and reads back', () => {
    const value = fc.array(fc.oneof(fc.constant(0n), fc.bigInt(0n, 0xffffn)), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(value, groups => {
        const ip = { family: 6, value: groups.reduce((sum, group) => (sum << 16n) | group, 0n) } as const;
        const text = formatIp(ip);
        expect(parseIp(text)).toEqual(ip);
        // Older notations keep their dotted end there.
        const theirs = new SocketAddress({ address: text, family: 'ipv6' }).address;
        if (!theirs.includes('.')) expect(text).toBe(theirs);
      }),
    );
  });
});

describe('prefixes', () => {
  test('an IPv6 address is what the system takes for one', () => {
    const part = fc.constantFrom(
      '0',
      '00',
      '0000',
      '00000',
      'f',
      'FFFF',
      'g',
      '',
      ':',
      '::',
      '10.0.0.1',
      '010.0.0.1',
      ' ',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 10 }), fc.boolean(), (parts, joined) => {
        const text = joined ? parts.join(':') : parts.join('');
        fc.pre(text.includes(':') && !text.includes('\0'));
        expect(parseIp(text) !== undefined, text).toBe(isIPv6(text));
      }),
      { numRuns: 3000 },
    );
    expect(parseIp('::\0')).toBeUndefined();
    expect(parseIp('fe80::1%eth0')).toBeUndefined();
  });

  test('host bits are cleared, in every part of the address space', () => {
    expect(formatCidr(prefix('10.5.3.4/16'))).toBe('10.5.0.0/16');
    expect(formatCidr(prefix('192.168.255.255/17'))).toBe('192.168.128.0/17');
    expect(formatCidr(prefix('240.1.2.3/0'))).toBe('0.0.0.0/0');
    expect(formatCidr(prefix('fd00:5:0:a:1::7/64'))).toBe('fd00:5:0:a::/64');
  });

  test.each(['10.5.0.0', '10.5.0.0/33', '10.5.0.0/-1', '10.5.0.0/8/9', 'fd00::/129', '10.5.0.0/', '/8'])(
    '%j is no prefix',
    text => expect(parseCidr(text)).toBeUndefined(),
  );

  test('hosts, neighbours and borders', () => {
    expect(hostIn(prefix('10.5.66.0/24'), 1)).toBe('10.5.66.1/24');
    expect(hostIn(prefix('fd00:5:0:a::/64'), 1)).toBe('fd00:5:0:a::1/64');
    expect(formatCidr(step(prefix('10.255.255.0/24'), 1))).toBe('11.0.0.0/24');
    expect(formatIp({ family: 4, value: last(prefix('10.5.0.0/16')) })).toBe('10.5.255.255');
  });

  test('two prefixes overlap when one holds the other, and never across families', () => {
    expect(overlaps(prefix('10.5.0.0/16'), prefix('10.5.7.128/25'))).toBe(true);
    expect(overlaps(prefix('10.5.7.128/25'), prefix('10.5.7.0/25'))).toBe(false);
    expect(overlaps(prefix('0.0.0.0/0'), prefix('::/0'))).toBe(false);
    expect(contains(prefix('fd00:5::/48'), prefix('fd00:5:0:a::/64'))).toBe(true);
    expect(contains(prefix('fd00:5:0:a::/64'), prefix('fd00:5::/48'))).toBe(false);
  });

  test('a prefix contains exactly its addresses', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 2n ** 32n - 1n),
        fc.bigInt(0n, 2n ** 32n - 1n),
        fc.integer({ min: 0, max: 32 }),
        (a, b, length) => {
          const same = a >> BigInt(32 - length) === b >> BigInt(32 - length);
          expect(contains(cidr({ family: 4, value: a }, length), { family: 4, value: b })).toBe(same);
        },
      ),
    );
  });
});

// Which network configurations are accepted, with which ranges, and what is said about the others.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressIn, families, formatCidr, size } from '../../lib/ip.ts';
import { parseNetworkConfig } from './network-config.ts';

/** `first … last/length` or `key problem`. */
function read(document: unknown): string {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  const result = parseNetworkConfig(text);
  if ('problems' in result) return result.problems.map(({ key, problem }) => `${key}: ${problem}`).join('; ');
  const ranges = families.flatMap(family => result.config.ranges[family] ?? []);
  return ranges.map(({ first, last }) => `${addressIn(first, 0)} - ${formatCidr(last)}`).join(', ');
}

describe('L01, L02: ranges', () => {
  test.each([
    ['10.0.0.0/8', {}, '10.0.1.0 - 10.255.255.0/24'],
    ['10.5.0.0/16', {}, '10.5.1.0 - 10.5.255.0/24'],
    ['172.16.0.0/12', {}, '172.16.1.0 - 172.31.255.0/24'],
    ['192.168.0.0/16', {}, '192.168.1.0 - 192.168.255.0/24'],
    ['240.0.0.0/16', {}, '240.0.1.0 - 240.0.255.0/24'],
    ['10.5.0.0/20', {}, '10.5.1.0 - 10.5.15.0/24'],
    ['10.5.0.0/21', {}, '10.5.1.0 - 10.5.7.0/24'],
    ['10.5.0.0/22', {}, '10.5.1.0 - 10.5.3.0/24'],
    ['10.5.0.0/23', {}, '10.5.0.128 - 10.5.1.128/25'],
    ['10.5.0.0/24', {}, '10.5.0.64 - 10.5.0.192/26'],
    ['10.5.0.0/25', {}, '10.5.0.32 - 10.5.0.96/27'],
    ['10.5.0.0/28', {}, '10.5.0.4 - 10.5.0.12/30'],
    ['10.5.3.4/16', {}, '10.5.1.0 - 10.5.255.0/24'],
    ['10.5.0.0/16', { SubnetLen: 24 }, '10.5.1.0 - 10.5.255.0/24'],
    ['10.5.0.0/16', { SubnetLen: 0 }, '10.5.1.0 - 10.5.255.0/24'],
    ['10.5.0.0/16', { SubnetLen: null }, '10.5.1.0 - 10.5.255.0/24'],
    ['10.5.0.0/16', { SubnetLen: 28 }, '10.5.0.16 - 10.5.255.240/28'],
    ['10.5.0.0/16', { SubnetLen: 30 }, '10.5.0.4 - 10.5.255.252/30'],
    ['10.9.0.0/24', { SubnetLen: 26 }, '10.9.0.64 - 10.9.0.192/26'],
    ['10.5.0.0/16', { SubnetMin: '10.5.10.0', SubnetMax: '10.5.20.0' }, '10.5.10.0 - 10.5.20.0/24'],
    ['10.5.0.0/16', { SubnetMin: '10.5.10.0', SubnetMax: '10.5.10.0' }, '10.5.10.0 - 10.5.10.0/24'],
    ['10.5.0.0/16', { SubnetMin: '10.5.0.0' }, '10.5.0.0 - 10.5.255.0/24'],
    ['10.5.0.0/16', { SubnetMin: '0.0.0.0' }, '10.5.1.0 - 10.5.255.0/24'],
  ])('%s %j', (Network, rest, range) => expect(read({ Network, ...rest })).toBe(range));
});

describe('L01: IPv6', () => {
  const on = { EnableIPv6: true };
  test.each([
    [{ IPv6Network: 'fd00:5::/48' }, 'fd00:5:0:1:: - fd00:5:0:ffff::/64'],
    [{ IPv6Network: 'fd00:5::/62' }, 'fd00:5:0:1:: - fd00:5:0:3::/64'],
    [{ IPv6Network: 'fd00:5::/63' }, 'fd00:5:0:0:8000:: - fd00:5:0:1:8000::/65'],
    [{ IPv6Network: 'fd00:5::7/124' }, 'fd00:5::4 - fd00:5::c/126'],
    [{ IPv6Network: 'fd00:5::/48', IPv6SubnetLen: 80 }, 'fd00:5:0:0:1:: - fd00:5:0:ffff:ffff::/80'],
    [
      { IPv6Network: 'fd00:5::/48', IPv6SubnetMin: 'fd00:5:0:7::', IPv6SubnetMax: 'fd00:5:0:9::' },
      'fd00:5:0:7:: - fd00:5:0:9::/64',
    ],
  ])('%j', (rest, range) => {
    expect(read({ Network: '10.5.0.0/16', ...on, ...rest })).toBe(`10.5.1.0 - 10.5.255.0/24, ${range}`);
    expect(read({ EnableIPv4: false, ...on, ...rest })).toBe(range);
  });

  test('what is not enabled is not looked at', () => {
    expect(read({ Network: '10.5.0.0/16', IPv6Network: 'fd00::/127' })).toBe('10.5.1.0 - 10.5.255.0/24');
  });

  test.each([
    [{}, /^IPv6Network: is missing/],
    [{ IPv6Network: '10.5.0.0/16' }, /^IPv6Network: is not an IPv6 prefix/],
    [{ IPv6Network: 'fd00::/125' }, /^IPv6Network: is too small; it must be \/124/],
    [{ IPv6Network: 'fd00::/48', IPv6SubnetLen: 127 }, /^IPv6SubnetLen: must be at most 126/],
    [{ IPv6Network: 'fd00::/48', IPv6SubnetLen: 49 }, /^IPv6SubnetLen: must be at least 50/],
    [{ IPv6Network: 'fd00::/48', IPv6SubnetMin: 'fd00:1::' }, /^IPv6SubnetMin: is outside of Network/],
    [
      { IPv6Network: 'fd00::/48', IPv6SubnetMax: 'fd00::1' },
      /^IPv6SubnetMax: is not the first address of a \/64/,
    ],
    [{ IPv6Network: 'fd00::/48', IPv6SubnetMin: '10.5.1.0' }, /^IPv6SubnetMin: is not an IPv6 address/],
    [
      { IPv6Network: 'fd00::/125', SubnetLen: 31 },
      /SubnetLen: must be at most 30; IPv6Network: is too small/,
    ],
  ])('%j is refused', (rest, pattern) =>
    expect(read({ Network: '10.5.0.0/16', ...on, ...rest })).toMatch(pattern),
  );
});

describe('L01: refusals', () => {
  const inNetwork = (rest: object) => read({ Network: '10.5.0.0/16', ...rest });
  test.each([
    [inNetwork({ Network: '10.5.0.0/29' }), /^Network: is too small/],
    [inNetwork({ Network: '10.5.0.0/30' }), /^Network: is too small/],
    [inNetwork({ Network: '0.0.0.0/0' }), /^Network: is missing/],
    [inNetwork({ Network: undefined }), /^Network: is missing/],
    [inNetwork({ Network: null }), /^Network: /],
    [inNetwork({ Network: 5 }), /^Network: /],
    [inNetwork({ Network: ' 10.5.0.0/16' }), /^Network: is not an IPv4 prefix/],
    [inNetwork({ Network: '10.5.0.0' }), /^Network: is not an IPv4 prefix/],
    [inNetwork({ SubnetLen: 31 }), /^SubnetLen: must be at most 30/],
    [inNetwork({ SubnetLen: 32 }), /^SubnetLen: must be at most 30/],
    [inNetwork({ SubnetLen: 16 }), /^SubnetLen: must be at least 18/],
    [inNetwork({ SubnetLen: 17 }), /^SubnetLen: must be at least 18/],
    [inNetwork({ SubnetLen: -24 }), /^SubnetLen: is negative/],
    [inNetwork({ SubnetLen: '24' }), /^SubnetLen: is not a whole number/],
    [inNetwork({ SubnetMin: '10.5.1.128' }), /^SubnetMin: is not the first address of a \/24/],
    [inNetwork({ SubnetMax: '10.5.9.1' }), /^SubnetMax: is not the first address of a \/24/],
    [inNetwork({ SubnetMin: '10.6.0.0' }), /^SubnetMin: is outside of Network/],
    [inNetwork({ SubnetMax: '10.4.0.0' }), /^SubnetMax: is outside of Network/],
    [inNetwork({ SubnetMin: '10.5.20.0', SubnetMax: '10.5.10.0' }), /^SubnetMin: is above SubnetMax/],
    [inNetwork({ SubnetMin: 'x' }), /^SubnetMin: is not an IPv4 address/],
    [inNetwork({ SubnetMin: null }), /^SubnetMin: /],
    [inNetwork({ EnableIPv4: false }), /^EnableIPv4: /],
    [inNetwork({ EnableIPv4: 'yes' }), /^EnableIPv4: is not true or false/],
    [inNetwork({ EnableIPv6: 1 }), /^EnableIPv6: is not true or false/],
    [inNetwork({ Backend: 'vxlan' }), /^Backend: is not an object/],
    [inNetwork({ Backend: { Type: 5 } }), /^Backend.Type: is not a string/],
    [read(''), /is not valid JSON/],
    [read('{"Network":"10.5.0.0/16",}'), /is not valid JSON/],
    [read('\uFEFF{}'), /is not valid JSON/],
    [read('// comment\n{}'), /is not valid JSON/],
    [read('null'), /^Network: is missing/],
    [read('[]'), /./],
    [read('"text"'), /./],
  ])('%s', (said, pattern) => expect(said).toMatch(pattern));
});

describe("L01: Go's reading", () => {
  test('names match in any case, unknown ones are passed over, the last of equal ones wins', () => {
    expect(read('{"network":"10.6.0.0/16","NETWORK":"10.5.0.0/16","x":1}')).toBe('10.5.1.0 - 10.5.255.0/24');
    expect(read('{"Network":"10.6.0.0/16","Network":"10.5.0.0/16"}')).toBe('10.5.1.0 - 10.5.255.0/24');
  });

  test('a number with a fraction is no whole number, even when it is zero', () => {
    expect(read('{"Network":"10.5.0.0/16","SubnetLen":24.0}')).toMatch(/^SubnetLen: /);
    expect(read('{"Network":"10.5.0.0/16","SubnetLen":2.4e1}')).toMatch(/^SubnetLen: /);
  });

  test.each([
    [undefined, 'udp'],
    [null, ''],
    [{}, ''],
    [{ Type: 'VXLAN' }, 'vxlan'],
    [{ type: 'host-gw' }, 'host-gw'],
  ])('Backend %j is of type %j', (Backend, type) => {
    const result = parseNetworkConfig(JSON.stringify({ Network: '10.5.0.0/16', Backend }));
    expect('config' in result && result.config.backendType).toBe(type);
  });
});

test('nothing makes it throw, and what it accepts is consistent', () => {
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
  const octet = fc.integer({ min: 0, max: 255 });
  const ip = fc.tuple(octet, octet, octet, octet).map(parts => parts.join('.'));
  const prefix = fc.tuple(ip, fc.integer({ min: 0, max: 33 })).map(([base, length]) => `${base}/${length}`);
  const document = fc.record(
    {
      Network: fc.oneof(prefix, scalar),
      SubnetLen: fc.oneof(fc.integer({ min: 0, max: 33 }), scalar),
      SubnetMin: fc.oneof(ip, scalar),
      SubnetMax: fc.oneof(ip, scalar),
      EnableIPv4: fc.oneof(fc.boolean(), scalar),
      EnableIPv6: fc.oneof(fc.boolean(), scalar),
      IPv6Network: fc.oneof(fc.constantFrom('fd00::/48', '::/0', 'fd00::/120', 'fd00::/127'), scalar),
      IPv6SubnetLen: fc.oneof(fc.integer({ min: 0, max: 129 }), scalar),
      Backend: fc.oneof(fc.record({ Type: scalar }), scalar),
    },
    { requiredKeys: [] },
  );
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    document.map(value => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(texts, text => {
      const result = parseNetworkConfig(text);
      if ('problems' in result) return result.problems.length > 0;
      return families.every(family => {
        const { network, first, last } = result.config.ranges[family] ?? {};
        if (!network || !first || !last) return true;
        return first.base <= last.base && first.base >= network.base && first.base % size(first) === 0n;
      });
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [{}, false],
  [{ EnableNFTables: true }, true],
  [{ enablenftables: false }, false],
  [{ EnableNFTables: null }, false],
])('%j asks for nftables: %s', (rest, nftables) => {
  const result = parseNetworkConfig(JSON.stringify({ Network: '10.5.0.0/16', ...rest }));
  expect(result).toMatchObject({ config: { nftables } });
});

test('EnableNFTables that is no switch is refused', () =>
  expect(read({ Network: '10.5.0.0/16', EnableNFTables: 'yes' })).toMatch(
    /^EnableNFTables: is not true or false/,
  ));

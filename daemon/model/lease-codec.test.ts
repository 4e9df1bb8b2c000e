// Lease keys and values: exactly what other flannel versions write, and no throw on anything else.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cidr, formatCidr, parseCidr } from '../../lib/ip.ts';
import { encodeKey, encodeValue, parseKey, parseValue } from './lease-codec.ts';

describe('keys', () => {
  test.each([
    ['10.5.34.0-24', '10.5.34.0/24', undefined],
    ['10.5.7.0-24&fd00:5:0:a::-64', '10.5.7.0/24', 'fd00:5:0:a::/64'],
    ['0.0.0.0-0&fd00:5:0:a::-64', undefined, 'fd00:5:0:a::/64'],
    ['10.5.7.0-24&FD00:5:0:a:0::-64', '10.5.7.0/24', 'fd00:5:0:a::/64'],
    ['192.168.128.0-17', '192.168.128.0/17', undefined],
  ])('%s', (key, subnet, subnet6) => {
    const parsed = parseKey(key);
    expect(parsed?.[4] && formatCidr(parsed[4])).toBe(subnet);
    expect(parsed?.[6] && formatCidr(parsed[6])).toBe(subnet6);
  });

  test.each([
    '',
    'foo',
    '10.5.200.0',
    '10.5.200.0-24x',
    'x10.5.200.0-24',
    '10.5.999.0-24',
    '10.5.200.0-32',
    '10.5.200.0-33',
    '10.5.200.0--24',
    '10.5.200-24',
    '10.5.97.0-24/extra',
    'x/10.5.98.0-24',
    '10.5.7.0-24&fd00:5-64',
    '10.5.7.0-24&fd00::-128',
    '10.5.7.0-24&-64',
    '0.0.0.0-0',
  ])('%j is none', key => expect(parseKey(key)).toBeUndefined());

  test('what is encoded is read back', () => {
    const v4 = fc
      .tuple(fc.bigInt(0n, 2n ** 32n - 1n), fc.integer({ min: 1, max: 31 }))
      .map(([value, length]) => cidr({ family: 4, value }, length));
    const v6 = fc
      .tuple(fc.bigInt(0n, 2n ** 128n - 1n), fc.integer({ min: 0, max: 127 }))
      .map(([value, length]) => cidr({ family: 6, value }, length));
    const subnets = fc.oneof(fc.record({ 4: v4 }), fc.record({ 6: v6 }), fc.record({ 4: v4, 6: v6 }));
    fc.assert(
      fc.property(subnets, one => {
        expect(parseKey(encodeKey(one))).toEqual(one);
      }),
    );
  });

  test('nothing makes it throw', () => {
    fc.assert(
      fc.property(fc.string(), key => parseKey(key) === undefined || parseCidr('10.0.0.0/8') !== undefined),
    );
  });
});

describe('values', () => {
  const publicIps = { 4: '192.168.100.2' };
  const none = { backendType: '', backendData: {} };

  test('are written byte for byte as upstream writes them', () => {
    expect(encodeValue({ publicIps, ...none })).toBe('{"PublicIP":"192.168.100.2","PublicIPv6":null}');
    expect(encodeValue({ publicIps, ...none, backendType: 'host-gw' })).toBe(
      '{"PublicIP":"192.168.100.2","PublicIPv6":null,"BackendType":"host-gw"}',
    );
    const data = { VNI: 1, VtepMAC: '22:74:c4:21:8b:88' };
    expect(encodeValue({ publicIps, backendType: 'vxlan', backendData: { 4: data } })).toBe(
      '{"PublicIP":"192.168.100.2","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"22:74:c4:21:8b:88"}}',
    );
    expect(encodeValue({ publicIps: { 6: 'fd00::2' }, backendType: 'vxlan', backendData: { 6: data } })).toBe(
      '{"PublicIP":"0.0.0.0","PublicIPv6":"fd00::2","BackendType":"vxlan","BackendV6Data":{"VNI":1,"VtepMAC":"22:74:c4:21:8b:88"}}',
    );
  });

  test.each([
    ['{"PublicIP":"192.168.100.2"}', none],
    ['{"PublicIP":"192.168.100.2","PublicIPv6":null,"Extra":1}', none],
    ['{"PublicIP":"192.168.100.2","PublicIPv6":""}', none],
    [
      '{"PublicIP":"192.168.100.2","BackendType":"vxlan","BackendData":{"VtepMAC":"x"}}',
      { backendType: 'vxlan', backendData: { 4: { VtepMAC: 'x' } } },
    ],
    [
      '{"PublicIP":"192.168.100.2","PublicIPv6":"FD00:0::1","BackendType":"vxlan","BackendV6Data":null}',
      { publicIps: { ...publicIps, 6: 'fd00::1' }, backendType: 'vxlan', backendData: { 6: null } },
    ],
  ])('%s is read', (text, rest) => expect(parseValue(text)).toEqual({ terms: { publicIps, ...rest } }));

  test('a record without PublicIP is read as having none', () =>
    expect(parseValue('{}')).toEqual({ terms: { publicIps: {}, ...none } }));

  test.each([
    '',
    'not json',
    'null',
    '[]',
    '5',
    '{"PublicIP":5}',
    '{"PublicIP":null}',
    '{"PublicIP":"fd00::1"}',
    '{"PublicIPv6":"10.0.0.1"}',
  ])('%j is a problem, not an error', text =>
    expect(parseValue(text)).toEqual({ problem: expect.any(String) }),
  );

  test('nothing makes it throw', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .dictionary(fc.constantFrom('PublicIP', 'PublicIPv6', 'BackendType', 'BackendData'), fc.jsonValue())
        .map(value => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(texts, text => {
        const result = parseValue(text);
        return 'terms' in result || result.problem.length > 0;
      }),
      { numRuns: 1000 },
    );
  });
});

// Lease keys and values: exactly what other flannel versions write, and no throw on anything else.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cidr4, formatCidr4, parseCidr4, parseIp4 } from '../../lib/ip.ts';
import { encodeKey, encodeValue, parseKey, parseValue } from './lease-codec.ts';

describe('keys', () => {
  test.each([
    ['10.5.34.0-24', '10.5.34.0/24', undefined],
    ['10.5.7.0-24&fd00:5:0:a::-64', '10.5.7.0/24', 'fd00:5:0:a::/64'],
    ['0.0.0.0-0&fd00:5:0:a::-64', '0.0.0.0/0', 'fd00:5:0:a::/64'],
    ['192.168.128.0-17', '192.168.128.0/17', undefined],
  ])('%s', (key, subnet, subnet6) => {
    const parsed = parseKey(key);
    expect(parsed && formatCidr4(parsed.subnet)).toBe(subnet);
    expect(parsed?.subnet6).toBe(subnet6);
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
  ])('%j is none', key => expect(parseKey(key)).toBeUndefined());

  test('what is encoded is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 31 }), (ip, length) => {
        const subnet = cidr4(ip, length);
        expect(parseKey(encodeKey(subnet))?.subnet).toEqual(subnet);
      }),
    );
  });

  test('nothing makes it throw', () => {
    fc.assert(
      fc.property(fc.string(), key => parseKey(key) === undefined || parseCidr4('10.0.0.0/8') !== undefined),
    );
  });
});

describe('values', () => {
  const publicIp = parseIp4('192.168.100.2') ?? 0;
  const none = { publicIp6: null, backendType: '', backendData: undefined, backendV6Data: undefined };

  test('are written byte for byte as upstream writes them', () => {
    expect(encodeValue({ publicIp, ...none })).toBe('{"PublicIP":"192.168.100.2","PublicIPv6":null}');
    expect(encodeValue({ publicIp, ...none, backendType: 'host-gw' })).toBe(
      '{"PublicIP":"192.168.100.2","PublicIPv6":null,"BackendType":"host-gw"}',
    );
    const backendData = { VNI: 1, VtepMAC: '22:74:c4:21:8b:88' };
    expect(encodeValue({ publicIp, ...none, backendType: 'vxlan', backendData })).toBe(
      '{"PublicIP":"192.168.100.2","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"22:74:c4:21:8b:88"}}',
    );
  });

  test.each([
    ['{"PublicIP":"192.168.100.2"}', none],
    ['{"PublicIP":"192.168.100.2","PublicIPv6":null,"Extra":1}', none],
    ['{"PublicIP":"192.168.100.2","PublicIPv6":""}', none],
    [
      '{"PublicIP":"192.168.100.2","BackendType":"vxlan","BackendData":{"VtepMAC":"x"}}',
      { ...none, backendType: 'vxlan', backendData: { VtepMAC: 'x' } },
    ],
    [
      '{"PublicIP":"192.168.100.2","PublicIPv6":"fd00::1","BackendType":"vxlan","BackendV6Data":null}',
      { ...none, publicIp6: 'fd00::1', backendType: 'vxlan', backendV6Data: null },
    ],
  ])('%s is read', (text, rest) => expect(parseValue(text)).toEqual({ terms: { publicIp, ...rest } }));

  test('a record without PublicIP is read as having none', () =>
    expect(parseValue('{}')).toEqual({ terms: { publicIp: 0, ...none } }));

  test.each([
    '',
    'not json',
    'null',
    '[]',
    '5',
    '{"PublicIP":5}',
    '{"PublicIP":null}',
    '{"PublicIP":"fd00::1"}',
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

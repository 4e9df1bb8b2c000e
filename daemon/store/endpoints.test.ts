// Tests of how etcd endpoints are read.
import { describe, expect, test } from 'vitest';
import { parseEndpoints } from './endpoints.ts';

describe('endpoints', () => {
  test.each<[string[], string[]]>([
    [['http://127.0.0.1:2379'], ['http://127.0.0.1:2379']],
    [
      ['http://a:1', ' http://b:2 ', ''],
      ['http://a:1', 'http://b:2'],
    ],
    [
      ['"http://a:1', 'http://b:2"'],
      ['http://a:1', 'http://b:2'],
    ],
    [['http://a:2379/'], ['http://a:2379']],
    [['10.0.0.1:2379'], ['http://10.0.0.1:2379']],
    [['http://a'], ['http://a:80']],
    [['https://[fd00::1]:2379'], ['https://[fd00::1]:2379']],
  ])('%j', (texts, endpoints) => {
    expect(parseEndpoints(texts)).toEqual(endpoints);
  });

  test.each<[string[], RegExp]>([
    [[], /no etcd endpoint/],
    [[' ', ''], /no etcd endpoint/],
    [['http://a:1', 'https://b:2'], /mix http and https: a:1,b:2/],
    [['unix:///run/etcd.sock'], /unix:\/\/\/run\/etcd.sock is not/],
    [['http://a:99999'], /http:\/\/a:99999 is not/],
    [['http://a:1/v2'], /http:\/\/a:1\/v2 is not/],
  ])('%j is refused', (texts, message) => {
    expect(() => parseEndpoints(texts)).toThrow(message);
  });

  test('a password in an endpoint is refused and not repeated', () => {
    const parse = () => parseEndpoints(['http://root:hunter2@a:2379']);
    expect(parse).toThrow(/a:2379 has a user name in it/);
    expect(parse).not.toThrow(/hunter2/);
  });
});

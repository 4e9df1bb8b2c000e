// Which lines of `ip monitor` are our own changes.
import { expect, test } from 'vitest';
import type { Op } from '../model/diff.ts';
import { Echoes } from './echoes.ts';

const dev = 'flannel.1';
const mac = '02:00:00:00:00:02';
const put: readonly Op[] = [
  { verb: 'put', entry: { kind: 'neighbour', dev, ip: '10.5.2.0', mac } },
  { verb: 'put', entry: { kind: 'fdb', dev, mac, dst: '192.168.7.2' } },
  {
    verb: 'put',
    entry: {
      kind: 'route',
      to: '10.5.2.0/24',
      via: '10.5.2.0',
      dev,
      onlink: true,
      metric: 0,
      protocol: 'boot',
    },
  },
];
const lines = [
  '10.5.2.0 dev flannel.1 lladdr 02:00:00:00:00:02 PERMANENT ',
  '192.168.7.2 dev flannel.1 lladdr 02:00:00:00:00:02 NOARP PERMANENT ',
  '10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink ',
];

test('what we put and what we removed, each once', () => {
  const echoes = new Echoes();
  echoes.expect(put);
  expect(lines.map(line => echoes.has(line))).toEqual([true, true, true]);
  expect(lines.map(line => echoes.has(line))).toEqual([false, false, false]);
  echoes.expect(put.map(({ entry }) => ({ verb: 'remove', entry })));
  expect(lines.map(line => echoes.has(line))).toEqual([false, false, false]);
  expect(lines.map(line => echoes.has(`Deleted ${line}`))).toEqual([true, true, true]);
});

test('anything different is news', () => {
  const echoes = new Echoes();
  echoes.expect(put);
  for (const line of [
    'Deleted 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink ',
    '10.5.2.0/24 via 192.168.7.1 dev eth0 ',
    '10.5.2.0 dev flannel.1 lladdr 02:00:00:00:00:99 PERMANENT ',
    '4: flannel.1: <BROADCAST,MULTICAST> mtu 1450 qdisc noqueue state DOWN ',
    '',
  ])
    expect(echoes.has(line)).toBe(false);
});

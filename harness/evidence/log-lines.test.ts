// Times and levels of log lines, from every kind of daemon.
import { expect, test } from 'vitest';
import { daemonLines, kernelLines } from './log-lines.ts';

test('lines of this daemon, as text and as JSON', () => {
  const at = Date.parse('2026-11-23T03:28:30.711Z');
  const text = `2026-11-23T03:28:30.711Z warn  etcd is away since=3
{"time":"2026-11-23T03:28:30.711Z","level":"error","message":"it is","key":"x"}
{"time":
a stack of something
`;
  expect(daemonLines('node1', text, 2026)).toEqual([
    { at, source: 'node1', level: 'warn', text: 'etcd is away since=3' },
    { at, source: 'node1', level: 'error', text: 'it is key=x' },
  ]);
});

test('lines of a Go daemon', () => {
  expect(daemonLines('node2', 'E1123 03:28:30.711000   4711 vxlan.go:42] cannot <b>\n', 2026)).toEqual([
    {
      at: Date.parse('2026-11-23T03:28:30.711Z'),
      source: 'node2',
      level: 'error',
      text: 'vxlan.go:42] cannot <b>',
    },
  ]);
});

test('lines of the kernel are those since the cluster was made', () => {
  const text = '[   10.500000] before\n[44928.936123] veth11: left\n';
  expect(kernelLines(text, 1_000_000, 1_020_000)).toEqual([
    { at: 45_928_936, source: 'kernel', level: 'info', text: 'veth11: left' },
  ]);
});

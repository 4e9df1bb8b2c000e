// What people read of a watch: failures by kind and node, costs of disturbances, a timeline.
import { expect, test } from 'vitest';
import type { Happening } from '../journal.ts';
import { disturbanceLines, failureLines, timeline, type WatchReport } from './report.ts';

const happenings: readonly Happening[] = [
  { at: 2000, kind: 'fault', what: 'etcd is paused', fault: 1 },
  { at: 3000, kind: 'act', what: 'node3 has joined' },
  { at: 4000, kind: 'healed', what: 'etcd is paused', fault: 1 },
];
const half = { invariant: 'subnet-file-whole', node: 'node1', what: 'half a file' } as const;
const report: WatchReport = {
  from: 1000,
  to: 9000,
  violations: [
    { ...half, at: 1500, stood: 20 },
    { ...half, what: 'a third of a file', at: 2500, stood: 0, during: 'etcd is paused' },
    { ...half, node: 'node2', at: 3250, stood: 0, during: 'etcd is paused' },
    { ...half, node: 'node3', at: 5000, stood: 0, allowed: 'it is written by the scenario' },
  ],
  disturbances: [
    {
      kind: 'fault',
      what: 'etcd is paused',
      at: 2000,
      lost: 3,
      firstLost: 2010,
      lastLost: 2030,
      restored: 2040,
    },
    { kind: 'act', what: 'node3 has joined', at: 3000, lost: 0, settled: 3100 },
  ],
  outages: [],
  probes: { sent: 10, answered: 7, interval: 10 },
  usage: [],
  unwatched: ['node4 could not be watched: no node'],
};

test('the first of each kind on each node fails a scenario, with the time since what was done last', () => {
  const says = '(subnet.env is complete whenever it exists)';
  expect(failureLines(report, happenings)).toEqual([
    'node4 could not be watched: no node',
    `subnet-file-whole ${says}: half a file; before anything was done to the cluster, for 0.020 s (and 1 more like this)`,
    `subnet-file-whole ${says}: half a file; while etcd is paused, 0.250 s after "node3 has joined"`,
  ]);
});

test('a disturbance has its losses and the time until all was well', () => {
  expect(disturbanceLines(report)).toEqual([
    'etcd is paused: 3 probes lost, the first after 0.010 s, the last after 0.030 s, all pairs restored after 0.040 s; state settled never',
    'node3 has joined: no probe lost; state settled after 0.100 s',
  ]);
});

test('a timeline has all that happened, and what was allowed', () => {
  expect(timeline(report, happenings)).toBe(`  1.000 s  fault      etcd is paused
  2.000 s  act        node3 has joined
  3.000 s  healed     etcd is paused
  4.000 s  allowed    half a file (it is written by the scenario)
`);
});

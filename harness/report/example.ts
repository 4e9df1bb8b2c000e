// A made-up failure with something of everything, for the tests of the report.
import type { Cell } from '../checks/reachability.ts';
import type { EvidenceData } from './data.ts';

export const start = Date.parse('2026-01-31T10:00:00Z');
const s = (seconds: number) => start + seconds * 1000;

/** All pairs of `names`, of which those given are lost. */
export function matrix(names: readonly string[], lost: readonly string[] = []): readonly Cell[] {
  return names.flatMap(from =>
    names
      .filter(to => to !== from)
      .map(to => ({
        from,
        to,
        expected: 'reached',
        outcome: lost.includes(`${from} ${to}`) ? 'lost' : 'reached',
      })),
  );
}

const names = ['node1/a', 'node2/a', 'node3/a'];
const lost = ['node1/a node3/a', 'node3/a node1/a'];

export const example: EvidenceData = {
  title: 'a node that was cut off comes back',
  hasFailed: true,
  failure: '2 of 6 pairs are not as expected after 3 s\nfrom \\ to …',
  reproduce: 'DRIVER=netns BACKEND=vxlan npm run scenarios -- -t "a node that was cut off comes back"',
  later: 'never (not within 63 s)',
  since: start,
  at: s(7),
  until: s(14),
  cluster: { name: 't-0123456789', driver: 'netns', backend: 'vxlan', daemon: 'ts', etcdMembers: 1 },
  nodes: [1, 2, 3].map(number => ({
    name: `node${number}`,
    address: `192.168.77.${10 + number}`,
    daemon: 'ts',
    lease: number === 3 ? undefined : `10.5.${number}.0/24`,
    workloads: [{ name: `node${number}/a`, address: `10.5.${number}.2` }],
  })),
  sweeps: [
    { at: s(1), matrix: matrix(names) },
    { at: s(4), matrix: matrix(names, lost) },
    { at: s(5), matrix: matrix(names, lost) },
    { at: s(12), matrix: matrix(names) },
  ],
  verdicts: [
    {
      from: 'node1/a',
      to: 'node3/a',
      outcome: 'lost',
      large: false,
      blame: {
        node: 'node1',
        place: 'node1',
        hop: 'between flannel.1 and eth0',
        direction: 'request',
        cause: 'no-fdb',
        text: 'no FDB entry for 02:00:00:00:00:03 on flannel.1',
        show: 'bridge fdb show dev flannel.1 | grep 02:00:00:00:00:03',
      },
      findings: { request: [], answer: [] },
      remarks: [],
      means: [],
      seconds: 0.5,
    },
  ],
  happenings: [
    { at: s(1), kind: 'check', what: 'all pairs are as expected' },
    { at: s(2), kind: 'fault', what: 'node3 is cut off from 192.168.77.11', fault: 1 },
    { at: s(3), kind: 'act', what: 'node4 has joined' },
    { at: s(3.5), kind: 'violation', what: 'node1 and node2 share addresses: both have 10.5.1.0/24' },
    { at: s(7), kind: 'check', what: 'failed: 2 of 6 pairs are not as expected after 3 s' },
    { at: s(9), kind: 'healed', what: 'node3 is cut off from 192.168.77.11', fault: 1 },
  ],
  outages: [{ from: 'node1/a', to: 'node3/a', begin: s(2), end: s(9.1), lost: 710 }],
  lines: [
    { at: s(0.6), source: 'etcd', level: 'info', text: 'put subnets/10.5.1.0-24 {} (revision 2)' },
    { at: s(0.7), source: 'node1', level: 'info', text: 'lease acquired subnet=10.5.1.0/24' },
    { at: s(2.1), source: 'node3', level: 'warn', text: 'etcd does not answer' },
    { at: s(2.5), source: 'node3', level: 'error', text: 'cannot <script>alert("from a log")</script>' },
  ],
  comparisons: [
    {
      node: 'node1',
      beside: 'node2, which is healthy',
      missing: ["fdb mac <node3's MAC of flannel.1> dst <node3's address> ifname flannel.1"],
      extra: [],
    },
    { node: 'node3', beside: 'itself at 1.0 s, when all was well', missing: [], extra: [] },
  ],
  files: [
    { path: 'etcd.log', bytes: 4014, note: undefined },
    { path: 'node1/flanneld.log', bytes: 2_000_000, note: 'cut' },
    { path: 'node1/a "quoted" name.txt', bytes: 12, note: 'could not be collected' },
  ],
};

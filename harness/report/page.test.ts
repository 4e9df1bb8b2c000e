// The page of a failure: what it says, and that nothing in it can do anything but be read.
import { expect, test } from 'vitest';
import { example, matrix, start } from './example.ts';
import { renderReport } from './page.ts';

const page = renderReport(example);
const text = (html: string) => html.replaceAll(/<style>.*?<\/style>|<script>.*?<\/script>|<[^>]*>/gs, ' ');

test('the failure, the verdict, the failed pair, the fault and the command are there to be read', () => {
  const read = text(page).replaceAll(/\s+/g, ' ');
  expect(read).toContain('a node that was cut off comes back');
  expect(read).toContain('2 of 6 pairs are not as expected after 3 s');
  expect(read).toContain('never (not within 63 s)');
  expect(read).toContain('node1/a to node3/a');
  expect(read).toContain('no FDB entry for 02:00:00:00:00:03 on flannel.1');
  expect(read).toContain('bridge fdb show dev flannel.1 | grep 02:00:00:00:00:03');
  expect(read).toContain('node3 is cut off from 192.168.77.11: 2.00 s to 9.00 s');
  expect(read).toContain('node1/a to node3/a: 710 lost, 2.00 s to 9.10 s');
  expect(read).toContain('npm run scenarios -- -t &quot;a node that was cut off comes back&quot;');
  expect(read).toContain('docker0 no lease');
});

test('an etcd of several members is drawn as such', () => {
  expect(text(page)).not.toContain('etcd ×');
  const members = renderReport({ ...example, cluster: { ...example.cluster, etcdMembers: 3 } });
  expect(text(members)).toContain('etcd × 3');
});

test('nothing that was logged, named or typed becomes markup', () => {
  const evil = `</script><script>alert(1)</script><img src=x onerror="alert('2')">\u0000&lt;`;
  const infected = JSON.parse(
    JSON.stringify(example, (_, value) =>
      typeof value === 'string' &&
      ![
        'reached',
        'lost',
        'fault',
        'healed',
        'act',
        'check',
        'violation',
        'info',
        'warn',
        'error',
        'request',
      ].includes(value)
        ? `${value}${evil}`
        : value,
    ),
  );
  const html = renderReport(infected);
  const tags = new Set(html.match(/<[a-z!/][^\s>]*/gi)?.map(tag => tag.toLowerCase()));
  expect(html.match(/<script/g)).toHaveLength(1);
  expect([...tags]).not.toContain('<img');
  expect(html).not.toContain('\u0000');
  // Attributes are all in double quotes, which nothing put into them can close.
  expect(html.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/<[^>]*\son\w+=/);
  expect(tags).toEqual(new Set(page.match(/<[a-z!/][^\s>]*/gi)?.map(tag => tag.toLowerCase())));
});

test('it needs nothing from anywhere else, and links to the files only', () => {
  expect(page).not.toMatch(/\bsrc=|@import|url\((?!#)/);
  expect([...page.matchAll(/href="([^"]*)"/g)].map(match => match[1])).toEqual([
    'etcd.log',
    'node1/a%20%22quoted%22%20name.txt',
    'node1/flanneld.log',
  ]);
});

test('tags are closed', () => {
  const open: string[] = [];
  const body = page.replaceAll(/<style>.*?<\/style>|<script>.*?<\/script>/gs, '');
  for (const [, slash, name = '', selfClosed] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/gi)) {
    if (selfClosed || ['meta', 'br', 'input'].includes(name)) continue;
    if (slash) expect(open.pop()).toBe(name);
    else open.push(name);
  }
  expect(open).toEqual([]);
});

test('a cluster that never came up, with nothing known, still has a page', () => {
  const nothing = {
    sweeps: [],
    verdicts: [],
    happenings: [],
    outages: [],
    lines: [],
    comparisons: [],
    files: [],
  };
  const bare = renderReport({ ...example, ...nothing, nodes: [], reproduce: undefined, later: undefined });
  expect(text(bare)).toContain('No pings were sent.');
  expect(bare).not.toMatch(/NaN|Infinity|undefined/);
});

test('large clusters and log storms make no large page', () => {
  const names = Array.from({ length: 50 }, (_, index) => `node${index + 1}/a`);
  const lost = names.map(name => `node1/a ${name}`);
  const nodes = names.map((name, index) => ({
    name: `node${index + 1}`,
    address: `10.0.0.${index}`,
    daemon: 'ts',
    lease: '10.5.1.0/24',
    workloads: [{ name, address: '10.5.1.2' }],
  }));
  const lines = Array.from({ length: 200_000 }, (_, index) => ({
    at: start + index / 20,
    source: 'node1',
    level: 'error' as const,
    text: `storm ${index}`,
  }));
  const sweeps = Array.from({ length: 200 }, (_, index) => ({
    at: start + index * 100,
    matrix: matrix(names, index % 2 === 0 ? [] : lost),
  }));
  const large = renderReport({ ...example, nodes, lines, sweeps });
  expect(large.length).toBeLessThan(4_000_000);
  expect(text(large)).toContain('42 more nodes have no part in it');
  expect(text(large)).toContain('lines far from the failure are only in the files');
  expect(large).not.toMatch(/NaN|Infinity|undefined/);
});

// What operators see of a daemon: the pages of the health port and the datagrams to systemd.
import { createServer } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { sinceBoot } from '../../lib/since-boot.ts';
import { listenForDatagrams } from './datagrams.fixture.ts';
import type { Happening } from './happening.ts';
import { serveHealth } from './health-server.ts';
import { createMetrics } from './metrics.ts';
import { startOperations } from './operations.ts';
import { supervise, watchdogInterval } from './systemd.ts';

const local = '127.0.0.1';
const silent = createLogger({ write: () => {} });

test('pages say what upstream’s say, and why the daemon is no longer well', async () => {
  let readiness: 'ready' | 'not yet' | string[] = 'not yet';
  let stuck: string | undefined;
  await using server = await serveHealth(
    { ip: local, port: 0 },
    {
      stuck: () => stuck,
      readiness: () => readiness,
      metrics: { contentType: 'text/plain', text: async () => 'figures' },
    },
  );
  const page = async (path: string) => {
    const response = await fetch(`http://${local}:${server.port}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  expect(await page('/healthz')).toBe('200 flanneld is running');
  expect(await page('/healthz?verbose')).toBe('200 flanneld is running');
  expect(await page('/readyz')).toBe('503 flanneld is not ready yet');
  expect(await page('/metrics')).toBe('200 figures');
  expect(await page('/')).toBe('404 404 page not found\n');
  readiness = 'ready';
  expect(await page('/readyz')).toBe('200 flanneld is ready');
  readiness = ['the lease has expired', 'etcd did not answer for 400 s'];
  expect(await page('/readyz')).toBe(
    '503 flanneld is not ready: the lease has expired; etcd did not answer for 400 s',
  );
  stuck = 'the kernel was not looked at for 100 s';
  expect(await page('/healthz')).toBe('503 flanneld is stuck: the kernel was not looked at for 100 s');
});

test('metrics count what happens', async () => {
  const metrics = createMetrics('1.2.3', () => ({ ready: true, leaseLeft: 5000 }));
  const pass = { kind: 'pass', seconds: 0.3, changes: 7, failures: 2, broken: false } as const;
  const happened: Happening[] = [
    { kind: 'etcd', answers: true },
    { kind: 'lease', subnet: '10.5.3.0/24', expires: 1 },
    { kind: 'leases', count: 12, snapshot: true },
    { kind: 'leases', count: 11, snapshot: false },
    { kind: 'peers', count: 9 },
    pass,
    pass,
    { kind: 'rules' },
    { kind: 'ready' },
    { kind: 'renewal', succeeded: true },
    { kind: 'renewal', succeeded: false },
    { kind: 'renewal', succeeded: false },
  ];
  for (const happening of happened) metrics.observe(happening);
  const figures = (await metrics.text()).split('\n').filter(line => line && !line.startsWith('#'));
  expect(figures).toEqual(
    expect.arrayContaining([
      `flannel_build_info{version="1.2.3",node="${process.version}"} 1`,
      'flannel_ready 1',
      'flannel_etcd_up 1',
      'flannel_lease_remaining_seconds 5',
      'flannel_leases 11',
      'flannel_watch_snapshots_total 1',
      'flannel_peers 9',
      'flannel_reconcile_seconds_bucket{le="0.1"} 0',
      'flannel_reconcile_seconds_bucket{le="0.5"} 2',
      'flannel_reconcile_changes_total 14',
      'flannel_reconcile_failures_total 4',
      'flannel_firewall_restorations_total 1',
      'flannel_lease_renewals_total{result="success"} 1',
      'flannel_lease_renewals_total{result="failure"} 2',
    ]),
  );
});

test('a port that is taken is the end, with the remedy', async () => {
  const other = createServer().listen(0, local);
  await new Promise(resolve => other.once('listening', resolve));
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const options = { health: { ip: local, port: port ?? 0 }, renewMargin: 60 };
  try {
    await expect(startOperations({ options, version: '1', env: {}, log: silent })).rejects.toMatchObject({
      message: expect.stringMatching(/^cannot serve health on 127\.0\.0\.1 port \d+: .*EADDRINUSE/),
      hint: expect.stringContaining('-healthz-port'),
    });
  } finally {
    other.close();
  }
});

test('systemd hears READY=1 once, in one datagram with the status, and STOPPING=1 last', async () => {
  const name = `@flannel-lab-operations-${process.pid}`;
  using socket = listenForDatagrams(name);
  const options = { health: undefined, renewMargin: 60 };
  const surroundings = { options, version: '1', env: { NOTIFY_SOCKET: name }, log: silent };
  const operations = await startOperations(surroundings);
  operations.observe({ kind: 'etcd', answers: true });
  operations.observe({ kind: 'lease', subnet: '10.5.3.0/24', expires: Infinity });
  operations.observe({ kind: 'peers', count: 2 });
  operations.observe({ kind: 'ready' });
  await operations[Symbol.asyncDispose]();
  expect(socket.received()).toEqual(['READY=1\nSTATUS=10.5.3.0/24, 2 peers', 'STOPPING=1']);
});

test('the clock of the lease is not that of this process', async () => {
  const name = `@flannel-lab-operations-lease-${process.pid}`;
  using socket = listenForDatagrams(name);
  const options = { health: undefined, renewMargin: 60 };
  const surroundings = { options, version: '1', env: { NOTIFY_SOCKET: name }, log: silent };
  const operations = await startOperations(surroundings);
  operations.observe({ kind: 'etcd', answers: true });
  operations.observe({ kind: 'lease', subnet: '10.5.3.0/24', expires: sinceBoot() - 1 });
  operations.observe({ kind: 'ready' });
  await operations[Symbol.asyncDispose]();
  expect(socket.received()[0]).toContain('the lease has expired');
});

test('signs of life come while there is life, and failures to send are said once', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const sent: string[] = [];
  const log: string[] = [];
  let alive = true;
  const supervisor = supervise({
    send: async state => {
      if (state === 'STOPPING=1') throw new Error('nobody there');
      sent.push(state);
    },
    summary: () => 'fine',
    alive: () => alive,
    watchdog: 100,
    log: createLogger({ write: line => void log.push(line) }),
  });
  await vi.advanceTimersByTimeAsync(300);
  expect(sent).toEqual(Array(3).fill('WATCHDOG=1'));
  alive = false;
  await vi.advanceTimersByTimeAsync(2000);
  expect(sent.slice(3)).toEqual(['STATUS=fine']);
  alive = true;
  await supervisor.stopping();
  await supervisor.stopping();
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent).toHaveLength(4);
  expect(log).toEqual([expect.stringContaining('nobody there')]);
});

test.each([
  [{}, undefined],
  [{ WATCHDOG_USEC: '' }, undefined],
  [{ WATCHDOG_USEC: 'x' }, undefined],
  [{ WATCHDOG_USEC: '0' }, undefined],
  [{ WATCHDOG_USEC: '20000000' }, 10_000],
  [{ WATCHDOG_USEC: '20000000', WATCHDOG_PID: '7' }, 10_000],
  [{ WATCHDOG_USEC: '20000000', WATCHDOG_PID: '8' }, undefined],
])('%j asks for a sign of life every %s ms', (env, interval) =>
  expect(watchdogInterval(env, 7)).toBe(interval),
);

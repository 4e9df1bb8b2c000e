// flanneld as a process: how it ends, what it says then, and which signals leave it alone.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { freePort } from '../lib/free-port.ts';
import { until } from '../lib/wait.ts';
import { startProcess } from './main.fixture.ts';
import { listenForDatagrams } from './operations/datagrams.fixture.ts';

/** What Node prints about errors that nobody caught. */
const stackTrace = /^\s+at |Unhandled|uncaught/im;

describe('ends', () => {
  test.each([0, 10, 40, 120, 400, 1200])(
    'with 0 and in good time when it is stopped %d ms after it began',
    async milliseconds => {
      await using daemon = await startProcess();
      await daemon.said('starting');
      await delay(milliseconds);
      const stopped = performance.now();
      daemon.child.kill(milliseconds % 40 === 0 ? 'SIGTERM' : 'SIGINT');
      expect(await daemon.ended()).toBe(0);
      expect(performance.now() - stopped).toBeLessThan(5000);
      expect(daemon.output).not.toMatch(stackTrace);
    },
  );

  test('with 0 also as the first process of a container', async () => {
    const within = [
      'unshare',
      '--pid',
      '--fork',
      '--kill-child',
      ...(process.getuid?.() === 0 ? [] : ['-Ur']),
    ];
    await using daemon = await startProcess({ within });
    await daemon.said('etcd does not answer');
    const { pid } = daemon.child;
    const [first = ''] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ');
    expect(await readFile(`/proc/${first}/status`, 'utf8')).toMatch(/^NSpid:\t\d+\t1$/m);
    process.kill(Number(first), 'SIGTERM');
    expect(await daemon.ended()).toBe(0);
  });

  test('with 0 at once while a name server that says nothing is asked for etcd', async () => {
    const silence = `ip link add out type veth peer name in && ip link set dev out up && ip link set dev in up
ip address add 192.0.2.2/24 dev out && ip neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out
echo nameserver 192.0.2.1 >"$0" && mount --bind "$0" /etc/resolv.conf && exec "$@"`;
    const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-names-'));
    const unshare = process.getuid?.() === 0 ? '-nm' : '-Urnm';
    const within = ['unshare', unshare, 'sh', '-c', silence, join(folder, 'resolv.conf')];
    try {
      await using daemon = await startProcess({
        within,
        flags: ['-etcd-endpoints=http://etcd.example.org:2379'],
      });
      await daemon.said('starting');
      await delay(1000);
      const stopped = performance.now();
      daemon.child.kill('SIGTERM');
      expect(await daemon.ended()).toBe(0);
      expect(performance.now() - stopped).toBeLessThan(3000);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('with 0 when it is told so several times', async () => {
    await using daemon = await startProcess();
    await daemon.said('etcd does not answer');
    for (const signal of ['SIGTERM', 'SIGTERM', 'SIGINT'] as const) daemon.child.kill(signal);
    expect(await daemon.ended()).toBe(0);
    expect(daemon.output.match(/stopping/g)).toHaveLength(1);
  });

  test('with 2, usage and the reason last, when a flag is not understood', async () => {
    await using daemon = await startProcess({ flags: ['-etcd-prefx=/x'] });
    expect(await daemon.ended()).toBe(2);
    expect(daemon.output).toMatch(/^Usage: flanneld/);
    expect(daemon.output).toMatch(/not defined: -etcd-prefx\n {2}did you mean -etcd-prefix\?\n$/);
  });

  test('with 1 and the reason when its log file cannot be written', async () => {
    await using daemon = await startProcess({ flags: ['-log_dir=/dev/null/x'] });
    expect(await daemon.ended()).toBe(1);
    expect(daemon.output).toMatch(/^cannot write the log file \/dev\/null\/x\/flanneld\.INFO/);
  });

  test('with 1 when another has its subnet file, which a killed one no longer has', async () => {
    await using first = await startProcess();
    await first.said('etcd does not answer');
    const { folder } = first;
    await using second = await startProcess({ folder });
    expect(await second.ended()).toBe(1);
    expect(second.output).toContain(`another flanneld on this host has the subnet file ${folder}/subnet.env`);
    first.child.kill('SIGKILL');
    await first.ended();
    await using third = await startProcess({ folder });
    await third.said('etcd does not answer');
  });

  test('at once although a client holds a connection to its health port', async () => {
    const port = await freePort();
    await using daemon = await startProcess({ flags: [`-healthz-port=${port}`, '-healthz-ip=127.0.0.1'] });
    await daemon.said('etcd does not answer');
    const client = connect(port, '127.0.0.1');
    client.write('GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n');
    const answer = await new Promise(resolve => client.once('data', resolve));
    expect(String(answer)).toMatch(/^HTTP\/1\.1 503 [\s\S]*flanneld is not ready yet$/);
    client.on('error', () => {});
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended()).toBe(0);
    expect(daemon.output).not.toContain('not everything came to its end');
    client.destroy();
  });
});

describe('lives on', () => {
  test('when its log has no reader any more, at SIGHUP, and at SIGUSR1 without a debugger', async () => {
    const port = await freePort();
    const flags = [`-healthz-port=${port}`, '-healthz-ip=127.0.0.1', '-v=1'];
    await using daemon = await startProcess({ flags });
    await daemon.said('etcd does not answer');
    const alive = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).status;
    daemon.child.kill('SIGUSR1');
    daemon.child.kill('SIGHUP');
    expect(await alive()).toBe(200);
    expect(daemon.output).not.toContain('Debugger');
    daemon.child.stderr?.destroy();
    daemon.child.kill('SIGHUP');
    expect(await alive()).toBe(200);
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended()).toBe(0);
  });
});

test('systemd is told what it waits for, that it lives, and that it stops', async () => {
  const name = `@flannel-lab-main-${process.pid}`;
  using socket = listenForDatagrams(name);
  await using daemon = await startProcess({ env: { NOTIFY_SOCKET: name, WATCHDOG_USEC: '400000' } });
  await daemon.said('etcd does not answer');
  const before = await socket.until(text => text.startsWith('STATUS='), 'a status');
  expect(before).toContain('STATUS=waiting for etcd');
  let signs = 0;
  before.push(...(await socket.until(text => text === 'WATCHDOG=1' && ++signs === 2, 'signs of life')));
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended()).toBe(0);
  const all = [...before, ...socket.received()];
  expect(all.at(-1)).toBe('STOPPING=1');
  expect(all.join()).not.toContain('READY');
});

test('the log is JSON in a file when that is asked for, and passwords are in neither', async () => {
  await using daemon = await startProcess({
    flags: [
      '-log-format=json',
      '-logtostderr=false',
      '-etcd-username=me',
      '-etcd-endpoints=http://me:hunter2@127.0.0.1:1',
    ],
    env: { FLANNELD_LOG_DIR: '', FLANNELD_ETCD_PASSWORD: 'hunter2' },
  });
  await daemon.said('etcd does not answer');
  expect(
    daemon.output
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).level),
  ).toContain('info');
  expect(daemon.output).not.toContain('hunter2');
  await using other = await startProcess({
    flags: ['-log-format=json', '-logtostderr=false', `-log_dir=${daemon.folder}/log`],
  });
  const path = join(daemon.folder, 'log/flanneld.INFO');
  const read = async () =>
    (await readFile(path, 'utf8')).split('\n').find(line => line.includes('etcd does not answer'));
  const line = await until(read, { what: 'a line in the file', timeout: 8000 });
  expect(JSON.parse(line)).toMatchObject({ level: 'warn', message: 'etcd does not answer, trying on' });
  expect(other.output).toBe('');
});

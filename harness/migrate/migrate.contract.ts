// `lab migrate` against a real etcd with both stores: subnets and times arrive, and nothing is overwritten.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../lib/free-port.ts';
import { needProgram } from '../../lib/places.ts';
import { until } from '../../lib/wait.ts';
import { Store } from '../store.ts';
import { StoreV2 } from '../store-v2.ts';

const main = join(import.meta.dirname, '../cli/main.ts');
const config = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };
const value = (ip: string) => JSON.stringify({ PublicIP: ip, BackendType: 'vxlan', BackendData: { VNI: 1 } });

const both = await startEtcd('true');
const modern = await startEtcd('false');
afterAll(() => Promise.all([both.stop(), modern.stop()]));

async function lab(...words: readonly string[]) {
  const argv = [main, 'migrate', ...words, '--etcd-endpoints', both.url, '--json'];
  const { stdout, stderr, exitCode } = await execa(process.execPath, argv, { reject: false });
  return { exitCode, stderr, result: stdout ? JSON.parse(stdout) : undefined };
}

/** etcd v2 lists keys in any order. */
const dumpOf = async (store: Store) => (await store.dump()).toSorted((a, b) => (a.key < b.key ? -1 : 1));

let prefixes = 0;

describe.for([
  ['v2', 'v3'],
  ['v3', 'v2'],
] as const)('%s to %s', ([from, to]) => {
  let prefix = '';
  let stores = { v2: new StoreV2([both.url], '/none'), v3: new Store([both.url], '/none') };
  const migrate = (...words: readonly string[]) =>
    lab('--from', from, '--to', to, '--etcd-prefix', prefix, ...words);

  beforeEach(async () => {
    prefix = `/test${++prefixes}/network`;
    stores = { v2: new StoreV2([both.url], prefix), v3: new Store([both.url], prefix) };
    const source = stores[from];
    await source.putConfig(config);
    await source.put('subnets/10.5.1.0-24', value('192.0.2.1'), { ttl: 80_000 });
    await source.put('subnets/10.5.2.0-24', value('192.0.2.2'), { ttl: 500 });
    await source.put('subnets/10.5.9.0-24', value('192.0.2.9'));
    // Of somebody else.
    await new Store([both.url], `${prefix}-old`).put('subnets/10.5.7.0-24', value('192.0.2.7'));
  });

  test('every key arrives with its value and the time it had left, and a second time changes nothing', async () => {
    const { exitCode, result } = await migrate();
    expect(result).toMatchObject({
      ok: true,
      dryRun: false,
      from,
      to,
      prefix,
      conflicts: [],
      skipped: [],
      wrong: [],
    });
    expect(result.keys.map(({ key }: { key: string }) => key)).toEqual([
      'subnets/10.5.1.0-24',
      'subnets/10.5.2.0-24',
      'subnets/10.5.9.0-24',
      'config',
    ]);
    expect(exitCode).toBe(0);
    const target = stores[to];
    expect(await target.config()).toEqual(config);
    const leases = await target.leases();
    expect(Object.fromEntries(leases.map(({ key, value }) => [key, value]))).toEqual({
      '10.5.1.0-24': value('192.0.2.1'),
      '10.5.2.0-24': value('192.0.2.2'),
      '10.5.9.0-24': value('192.0.2.9'),
    });
    expect(await target.timeToLive('subnets/10.5.1.0-24')).toBeGreaterThan(79_900);
    expect(await target.timeToLive('subnets/10.5.1.0-24')).toBeLessThanOrEqual(80_000);
    expect(await target.timeToLive('subnets/10.5.2.0-24')).toBeLessThanOrEqual(500);
    expect(await target.timeToLive('subnets/10.5.9.0-24')).toBeUndefined();
    const before = await dumpOf(target);
    const again = await migrate();
    expect(again.exitCode).toBe(0);
    expect(again.result.keys.every((key: { written: boolean }) => !key.written)).toBe(true);
    expect(await dumpOf(target)).toEqual(before);
  });

  test('what was renewed since the copy is given its time', async () => {
    await migrate();
    await stores[from].put('subnets/10.5.2.0-24', value('192.0.2.2'), { ttl: 86_400 });
    const { exitCode, result } = await migrate();
    expect(result.keys.filter((key: { written: boolean }) => key.written)).toMatchObject([
      { key: 'subnets/10.5.2.0-24', action: 'refresh', node: '192.0.2.2' },
    ]);
    expect(exitCode).toBe(0);
    expect(await stores[to].timeToLive('subnets/10.5.2.0-24')).toBeGreaterThan(86_300);
  });

  test('--dry-run says what would be written, and writes nothing', async () => {
    const { exitCode, result } = await migrate('--dry-run');
    expect(result).toMatchObject({ ok: true, dryRun: true });
    expect(
      result.keys.map(({ action, written }: { action: string; written: boolean }) => [action, written]),
    ).toEqual(Array.from({ length: 4 }, () => ['copy', false]));
    expect(exitCode).toBe(0);
    expect(await dumpOf(stores[to])).toEqual(
      to === 'v3' ? [expect.objectContaining({ key: expect.stringContaining('-old/') })] : [],
    );
  });

  test('one key of somebody else at the target, and nothing is written', async () => {
    await stores[to].put('subnets/10.5.2.0-24', value('192.0.2.77'), { ttl: 500 });
    const before = await dumpOf(stores[to]);
    const { exitCode, result } = await migrate();
    expect(result.ok).toBe(false);
    expect(result.conflicts).toEqual([
      { key: 'subnets/10.5.2.0-24', why: 'the target has it for 192.0.2.77, not 192.0.2.2' },
    ]);
    expect(exitCode).toBe(1);
    expect(await dumpOf(stores[to])).toEqual(before);
  });

  test('a prefix without a configuration is refused', async () => {
    const { exitCode, stderr } = await lab('--from', from, '--to', to, '--etcd-prefix', '/nothing/here');
    expect(stderr).toContain(`etcd ${from} holds no configuration below /nothing/here`);
    expect(exitCode).toBe(1);
  });
});

test('to an etcd of its own, and not to one without v2', async () => {
  const old = new StoreV2([both.url], '/apart');
  await old.putConfig(config);
  await old.put('subnets/10.5.1.0-24', value('192.0.2.1'), { ttl: 900 });
  const apart = ['--etcd-prefix', '/apart', '--to-endpoints', modern.url];
  expect((await lab('--from', 'v2', '--to', 'v3', ...apart)).exitCode).toBe(0);
  const there = new Store([modern.url], '/apart');
  expect(await there.timeToLive('subnets/10.5.1.0-24')).toBeGreaterThan(800);
  await new Store([both.url], '/apart').putConfig(config);
  const { exitCode, stderr } = await lab('--from', 'v3', '--to', 'v2', ...apart);
  expect(stderr).toContain('this etcd has no v2 API');
  expect(exitCode).toBe(1);
});

test.for([
  [['--from', 'v2'], 'say --to which store'],
  [['--from', 'v2', '--to', 'v2'], 'v2 to v2 is no way'],
  [['--from', 'v1', '--to', 'v2'], '--from v1: not v2 or v3'],
  [['--from', 'v2', '--to', 'v3', '--to-endpoints', 'nowhere'], '--to-endpoints "nowhere" is not a URL'],
  [['--from', 'v2', '--to', 'v3', '--to-endpoints', 'https://x:1'], 'only plain http is spoken to etcd'],
] as const)('lab migrate %s exits 2', async ([words, complaint]) => {
  const { exitCode, stderr } = await lab(...words);
  expect(stderr).toContain(complaint);
  expect(exitCode).toBe(2);
});

async function startEtcd(v2: 'true' | 'false') {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-migrate-'));
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const words = ['enable-v2', 'data-dir', 'listen-client-urls', 'advertise-client-urls', 'listen-peer-urls'];
  const values = [v2, folder, url, url, `http://127.0.0.1:${peer}`];
  const child = spawn(
    needProgram('etcd'),
    words.map((word, at) => `--${word}=${values[at]}`),
    { stdio: 'ignore' },
  );
  const answers = async () => ((await fetch(`${url}/health`)).ok ? true : undefined);
  await until(answers, { what: `etcd on ${url}`, timeout: 10_000, interval: 20 });
  return {
    url,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

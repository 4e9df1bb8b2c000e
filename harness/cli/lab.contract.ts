// The `lab` command as a user meets it: real processes, exit codes, what is on stdout, and what is left afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../lib/wait.ts';
import { standingFaults } from '../faults/standing-faults.ts';
import { removeCluster, survivors } from '../janitor.ts';
import { findRecord } from '../registry.ts';
import { onEveryDriver } from '../vitest/platforms.ts';

const main = join(import.meta.dirname, 'main.ts');
const lab = (...words: string[]) => execa(process.execPath, [main, ...words], { reject: false });
const json = async (...words: string[]) => {
  const { stdout, exitCode } = await lab(...words, '--json');
  return { exitCode, result: JSON.parse(stdout) };
};
const leftOf = async (name: string) => (await survivors()).filter(({ owner }) => owner.cluster === name);

describe('misuse exits 2 and says what was meant', () => {
  test.for([
    [['pong'], 'unknown verb "pong", did you mean ping?'],
    [['up', '--nodse', '3'], 'unknown flag --nodse, did you mean --nodes?'],
    [['verify', '--nodes', 'many'], '--nodes many: not a whole number'],
    [['verify', '--nodes', '0'], 'a cluster of 0 nodes cannot be made'],
    [['verify', '--driver', 'podman'], 'unknown driver "podman"'],
    [['verify', '--driver', 'netns', '--daemon', 'go'], 'unknown daemon "go"'],
    [
      ['verify', '--driver', 'netns', '--daemon', 'bin:/nowhere/flanneld'],
      '/nowhere/flanneld is not an executable file',
    ],
    [['up', '--driver', 'netns', '--name', 'No Good'], '"No Good" cannot name a cluster'],
    [['ping', '--name', 'nobody'], 'there is no cluster named nobody'],
    [['down', '--name', 'nobody'], 'there is no cluster named nobody'],
    [['fault', 'isolat', 'node1'], 'unknown fault "isolat", did you mean isolate?'],
    [['fault', 'isolate', 'node1', '--name', 'nobody'], 'there is no cluster named nobody'],
    [['heal', '--name', 'nobody'], 'there is no cluster named nobody'],
  ] as const)('lab %s', async ([words, complaint]) => {
    const { exitCode, stderr, stdout } = await lab(...words);
    expect(stderr).toContain(complaint);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
  });
});

test('--help lists the verbs, and explains one', async () => {
  const all = await lab('--help');
  expect(all.exitCode).toBe(0);
  expect(all.stdout).toContain('verify');
  const one = await lab('up', '--help');
  expect(one.stdout).toContain('lab up [--name NAME]');
});

onEveryDriver(({ name }) => withDriver(name));

function withDriver(driver: string): void {
  const names = ['one', 'two'].map(name => `lab-${name}-${process.pid}`) as [string, string];
  const [one, two] = names;
  afterEach(() => Promise.all(names.map(removeCluster)), 60_000);

  test('verify --json has the promised shape', async () => {
    const { exitCode, result } = await json('verify', '--driver', driver, '--nodes', '2', '--name', one);
    expect(result).toMatchObject({
      ok: true,
      driver,
      backend: 'vxlan',
      daemon: 'ts',
      nodes: [{ name: 'node1', mtu: 1450 }, { name: 'node2' }],
      pings: { pairs: 2, failed: 0 },
      evidence: null,
    });
    expect(result.nodes[0].docker0).toBe(result.nodes[0].lease.replace('.0/', '.1/'));
    expect(Object.keys(result.seconds)).toEqual(['up', 'verify', 'down', 'total']);
    expect(exitCode).toBe(0);
    expect(await leftOf(one)).toEqual([]);
  });

  test('a daemon that fails makes verify exit 1 with the reason and the evidence', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lab-'));
    const broken = join(folder, 'flanneld');
    await writeFile(broken, '#!/bin/sh\necho cannot work like this\nexit 9\n', { mode: 0o755 });
    const words = [
      'verify',
      '--driver',
      driver,
      '--nodes',
      '1',
      '--name',
      one,
      '--daemon',
      `bin:${broken}`,
      '--json',
    ];
    const { stdout, exitCode } = await execa(process.execPath, [main, ...words], {
      reject: false,
      cwd: folder,
    });
    const result = JSON.parse(stdout);
    expect(exitCode).toBe(1);
    expect(result.ok).toBe(false);
    expect(result.failures[0]).toContain('cannot work like this');
    expect(result.evidence).toContain(folder);
    expect(await readFile(join(result.evidence, 'index.html'), 'utf8')).toContain('cannot work like this');
    const reproduce = `npm run lab -- verify --driver ${driver} --backend vxlan --nodes 1 --daemon bin:${broken}`;
    expect(result.reproduce).toBe(reproduce);
    expect(await leftOf(one)).toEqual([]);
  });

  test('two named clusters live side by side and are reached by every verb', async () => {
    const up = (name: string) => json('up', '--driver', driver, '--nodes', '2', '--name', name);
    const [first, second] = await Promise.all([up(one), up(two)]);
    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    const again = await lab('up', '--driver', driver, '--name', one);
    expect(again.stderr).toContain(`a cluster named ${one} is already up`);
    expect(again.exitCode).toBe(2);
    const { result: list } = await json('ls');
    expect(list.clusters.map((cluster: { name: string }) => cluster.name)).toEqual(
      expect.arrayContaining(names),
    );
    for (const name of names) {
      const ping = await json('ping', '--name', name);
      expect(ping.result).toMatchObject({ ok: true, pairs: 2, failed: 0 });
    }
    expect((await lab('exec', '--name', one, 'node1', '--', 'sh', '-c', 'echo here; exit 5')).exitCode).toBe(
      5,
    );
    const address = await lab(
      'exec',
      '--name',
      one,
      'node2/a',
      '--',
      'ip',
      '-4',
      '-o',
      'address',
      'show',
      'eth0',
    );
    expect(address.stdout).toMatch(/inet 10\.5\.\d+\.\d+\/24/);
    expect((await lab('logs', '--name', two, 'node1')).stdout).toMatch(/subnet/);
    const shell = execa(process.execPath, [main, 'shell', '--name', one, 'node1'], {
      input: 'cat /run/flannel/subnet.env\n',
    });
    expect((await shell).stdout).toContain('FLANNEL_SUBNET=10.5.');
    expect((await lab('gc')).exitCode).toBe(0);
    expect((await json('ping', '--name', one)).exitCode).toBe(0);
    const folder = await mkdtemp(join(tmpdir(), 'lab-'));
    const words = ['evidence', '--name', one, '--json'];
    const collected = await execa(process.execPath, [main, ...words], { cwd: folder });
    const { ok, evidence } = JSON.parse(collected.stdout);
    expect(ok).toBe(true);
    expect(await readFile(join(evidence, 'index.html'), 'utf8')).toContain('nothing has failed');
    expect(await readFile(join(evidence, 'etcd-history.json'), 'utf8')).toContain('/network/subnets/10.5.');
    await rm(folder, { recursive: true });
    expect((await json('down', '--name', one)).result).toEqual({ removed: [one] });
    expect(await leftOf(one)).toEqual([]);
    expect((await json('ping', '--name', two)).exitCode).toBe(0);
  });

  test('faults stand until they are healed, by whichever process, or the cluster goes', async () => {
    expect((await lab('up', '--driver', driver, '--nodes', '2', '--name', one)).exitCode).toBe(0);
    const fault = (...words: string[]) => json('fault', '--name', one, ...words);
    const partition = { id: 1, kind: 'partition', what: 'nothing passes between node1 and node2' };
    expect((await fault('partition', 'node1', 'node2')).result).toEqual(partition);
    expect((await fault('crash', 'node2')).result).toMatchObject({ id: 2, what: 'node2 is off' });
    expect((await fault('compact-etcd')).result).toMatchObject({ id: null, kind: 'compact-etcd' });
    expect((await fault()).result.faults).toMatchObject([{ id: 1 }, { id: 2, kind: 'crash' }]);
    expect((await json('ping', '--name', one)).result).toMatchObject({ pairs: 2, failed: 2 });
    const unsure = await lab('heal', '--name', one);
    expect(unsure.stderr).toContain('say which, or --all');
    const unknown = await lab('heal', '--name', one, '3');
    expect(unknown.stderr).toContain(`cluster ${one} has no fault 3\n  in force: 1, 2`);
    expect([unsure.exitCode, unknown.exitCode]).toEqual([2, 2]);
    const healed = await json('heal', '--name', one, '--all');
    expect(healed.result.healed.map(({ id }: { id: number }) => id)).toEqual([2, 1]);
    expect((await json('ping', '--name', one)).result).toMatchObject({ pairs: 2, failed: 0 });
    await fault('full-disk', 'node1');
    const twice = await lab('fault', '--name', one, 'full-disk', 'node1');
    expect(twice.stderr).toContain('/run/flannel of node1 has such a fault already');
    expect(twice.exitCode).toBe(1);
    expect(await standingFaults(one)).toHaveLength(1);
    if (driver === 'netns') {
      const unavailable = await lab('fault', '--name', one, 'restart-docker', 'node1');
      expect(unavailable.stderr).toContain('no dockerd runs on node1');
      expect(unavailable.exitCode).toBe(2);
    }
    await lab('down', '--name', one);
    expect(await standingFaults(one)).toEqual([]);
  }, 120_000);

  test.for(['SIGINT', 'SIGTERM'] as const)('%s takes a cluster down that is coming up', async ending => {
    const child = spawn(process.execPath, [main, 'verify', '--driver', driver, '--name', one], {
      stdio: 'ignore',
    });
    const coming = async () => ((await leftOf(one)).length > 0 ? true : undefined);
    await until(coming, { what: 'something of the cluster to appear', timeout: 30_000, interval: 20 });
    child.kill(ending);
    const [code] = await once(child, 'exit');
    expect(code).toBe(ending === 'SIGINT' ? 130 : 143);
    expect(await leftOf(one)).toEqual([]);
    expect(await findRecord(one)).toBeUndefined();
  });

  test('after SIGKILL nothing remains that gc does not remove', async () => {
    const child = spawn(process.execPath, [main, 'verify', '--driver', driver, '--name', one], {
      stdio: 'ignore',
    });
    const coming = async () => ((await leftOf(one)).length > 0 ? true : undefined);
    await until(coming, { what: 'something of the cluster to appear', timeout: 30_000, interval: 20 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    if (driver === 'netns') {
      const gone = async () => ((await leftOf(one)).length === 0 ? true : undefined);
      await until(gone, { what: 'the namespaces to vanish by themselves', timeout: 5_000, interval: 20 });
    }
    await lab('gc');
    expect(await leftOf(one)).toEqual([]);
    expect(await findRecord(one)).toBeUndefined();
  });
}

// A real failure on every driver that can run here: what is in its folder, and what its page says.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyCode } from '../../lib/run.ts';
import { Cluster } from '../cluster.ts';
import { clusterSpec } from '../cluster-spec.ts';
import type { Driver } from '../drivers/driver.ts';
import { faultWindows } from '../journal.ts';
import { onEveryDriver } from '../vitest/platforms.ts';
import { CheckFailures } from './check-failures.ts';
import { Evidence } from './evidence.ts';

const signal = AbortSignal.timeout(300_000);

onEveryDriver(evidenceOn);

function evidenceOn(driver: Driver): void {
  let parent: string;
  let cluster: Cluster;
  let failures: CheckFailures;

  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'evidence-'));
    const reproduce = 'npm run scenarios -- -t "this"';
    failures = new CheckFailures({ title: 'this', reproduce, parent, signal, patience: () => 500 });
    const spec = clusterSpec({
      name: `evidence-${driver.name}`,
      driver: driver.name,
      nodes: 3,
      capture: true,
    });
    const onCheckFailure = failures.take;
    cluster = await Cluster.up(spec, driver, { signal, onCheckFailure, remember: true });
  }, 120_000);
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(parent, { recursive: true, force: true });
  }, 60_000);

  test('a failed check leaves what there was to see at that moment', async () => {
    await cluster.expectReachable();
    const node1 = cluster.node('node1');
    let failure: unknown;
    {
      await using _ = await cluster.fault.freeze(node1);
      await cluster.fault.flush(node1, 'fdb', 'flannel.1');
      failure = await cluster.expectReachable({ timeout: 500 }).catch(error => error);
    }
    const message = String(failure);
    expect(message).toMatch(/\nnever \(not within \d+(\.\d)? s\)$/);
    const { folder } = await failures.evidenceOf(cluster, message);
    const read = (path: string) => readFile(join(folder, path), 'utf8');
    const json = async (path: string) => JSON.parse(await read(path));

    const files = await readdir(folder, { recursive: true });
    for (const name of ['failure.txt', 'cluster.json', 'reachability.json', 'verdicts.txt', 'verdicts.json'])
      expect(files).toContain(name);
    for (const node of cluster.nodes) {
      const own = [
        'flanneld.log',
        'state.txt',
        'routes.txt',
        'fdb.txt',
        'nft.txt',
        'subnet.env',
        'sockets.txt',
      ];
      for (const name of own) expect(files).toContain(`${node.name}/${name}`);
      expect(await read(`${node.name}/flanneld.log`)).toContain('lease');
      expect(files).toContain(`later/${node.name}/state.txt`);
    }
    expect(await read('etcd.log')).not.toContain('could not be collected');
    expect(await read('dmesg.txt')).not.toBe('');
    const capture = await readFile(join(folder, 'node2/eth0.pcap'));
    const programs = ['sh', '-c', 'command -v tcpdump || command -v dumpcap'] as const;
    if ((await cluster.node('node2').run(programs, { okCodes: anyCode })).code === 0) {
      expect([0xa1b2c3d4, 0xa1b23c4d]).toContain(capture.readUInt32LE());
      // The port of VXLAN.
      expect(capture.includes(Buffer.from([8472 >> 8, 8472 & 0xff]))).toBe(true);
    } else expect(capture.toString()).toContain('apt-get install tcpdump');

    // Since it was mended, but as it was.
    const { vtepMac } =
      (await cluster.store.leases()).find(lease => lease.publicIp === cluster.node('node3').address) ?? {};
    expect(await read('node1/fdb.txt')).not.toContain(vtepMac);
    expect(await read('node2/fdb.txt')).toContain(vtepMac);
    const missing = "- fdb mac <node3's MAC of flannel.1> dst <node3's address of eth0> ifname flannel.1";
    const differences = await read('differences.txt');
    expect(differences).toContain('node1 beside node2, which is healthy:\n- fdb mac');
    expect(differences).toContain(missing);
    expect(differences).toMatch(
      new RegExp(`node1 beside itself at .*:\\n(- fdb mac .*\\n)*- fdb mac ${vtepMac}`),
    );
    expect(differences).toMatch(/node2 beside itself at .*:\n {2}no difference/);

    const history = await json('etcd-history.json');
    const revisions = history.map(({ revision }: { revision: number }) => revision);
    expect(revisions).toEqual(revisions.toSorted((a: number, b: number) => a - b));
    expect(
      history.filter(({ key }: { key: string }) => key.includes('/subnets/')).length,
    ).toBeGreaterThanOrEqual(3);
    const [window] = faultWindows(await json('journal.json'));
    expect(window?.what).toBe('the daemon of node1 is frozen');
    expect(window?.to).toBeGreaterThan(window?.from ?? Infinity);

    const page = await read('index.html');
    expect(page).toContain('no FDB entry for');
    expect(page).toMatch(/class="lost"[^>]*><title>node1\/a to node\d\/a: lost/);
    expect(page).toMatch(/the daemon of node1 is frozen: [\d.]+ s to [\d.]+ s/);
    expect(page).toContain('never (not within');
    expect(page).toContain('npm run scenarios -- -t &quot;this&quot;');
    expect(page).not.toMatch(/NaN|undefined/);
    await cluster.expectReachable({ timeout: 30_000 });
  });

  test('what is expected to fail leaves nothing', async () => {
    await expect(cluster.expectReachable({ except: [cluster.node('node1')], timeout: 100 })).rejects.toThrow(
      'pairs',
    );
    expect(await readdir(parent)).toHaveLength(1);
    await failures.discard();
    expect(await readdir(parent)).toHaveLength(0);
  });

  test('the history of etcd goes on when etcd crashes, forgets what was, or begins anew', async () => {
    const { store } = cluster;
    const seen = async (name: string) =>
      (await store.history()).filter(({ key }) => key.endsWith(`/x/${name}`));
    await store.put('x/one', '1');
    await store.put('x/one', '2');
    await store.remove('x/one');
    // What etcd has forgotten before it could tell it, nobody knows.
    await expect.poll(() => seen('one')).toHaveLength(3);
    await (await cluster.fault.stopEtcd()).heal();
    await store.put('x/two', '1');
    await expect.poll(() => seen('two')).toHaveLength(1);
    await store.bump(3);
    await store.compact();
    await store.put('x/three', '1');
    expect((await seen('one')).map(({ kind, value }) => [kind, value])).toEqual([
      ['put', '1'],
      ['put', '2'],
      ['delete', ''],
    ]);
    expect(await seen('two')).toHaveLength(1);
    const [three] = await seen('three');
    expect(Math.abs((three?.at ?? 0) - Date.now())).toBeLessThan(5000);
    await (await cluster.fault.stopEtcd({ wipe: true })).heal();
    await store.putConfig(cluster.spec.config);
    await store.put('x/four', '1');
    await expect.poll(() => seen('four')).toHaveLength(1);
    expect(await seen('one')).toHaveLength(3);
    await cluster.expectConverged({ timeout: 30_000 });
  });

  test('it is there within its time, with etcd away, too', async ({ annotate }) => {
    const collect = async () => {
      const started = performance.now();
      const { folder } = await Evidence.collect(cluster, new Error('somebody asks'), {
        title: 'that',
        parent,
      });
      return { folder, seconds: (performance.now() - started) / 1000 };
    };
    const usual = await collect();
    await using _ = await cluster.fault.pauseEtcd();
    const without = await collect();
    await annotate(
      `evidence of 3 nodes on ${driver.name}: ${usual.seconds} s, without etcd ${without.seconds} s`,
    );
    expect(await readFile(join(without.folder, 'etcd-keys.json'), 'utf8')).toContain(
      'could not be collected',
    );
    expect(await readFile(join(without.folder, 'etcd-history.json'), 'utf8')).toContain('/subnets/');
    expect(await readFile(join(without.folder, 'index.html'), 'utf8')).toContain('docker0 10.5.');
    // A calm machine takes a second; this is what the limits promise on one that is not.
    expect(Math.max(usual.seconds, without.seconds)).toBeLessThan(9);
  });
}

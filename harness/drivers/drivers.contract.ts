// What every driver promises, tried on each that can run here with a stand-in daemon: one suite, no exceptions.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandError, quote } from '../../lib/run.ts';
import { until } from '../../lib/wait.ts';
import { hostLists } from '../host-lists.ts';
import { marked } from '../leaks.ts';
import { subnetFile } from '../node-files.ts';
import { docker0 } from '../node-state.ts';
import { ownedHere } from '../owner.ts';
import { onEveryDriver } from '../vitest/platforms.ts';
import type { DaemonProgram, Driver, EtcdMember, NodeHandle, NodePlan, Site } from './driver.ts';

const signal = AbortSignal.timeout(120_000);
const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);
const daemon: DaemonProgram = {
  ref: 'stand-in',
  flanneld: fixture('flanneld'),
  mkDockerOpts: fixture('mk-docker-opts'),
  beside: [],
};
const plan = (name: string, subnet: string): NodePlan => ({
  name,
  daemon,
  flags: [`-subnet=${subnet}`, `-subnet-file=${subnetFile}`],
  docker: true,
});

onEveryDriver(promises);

function promises(driver: Driver): void {
  const owner = ownedHere(`contract-${driver.name}`, { keep: false });
  const mine = async () =>
    (await driver.survivors()).filter(survivor => survivor.owner.cluster === owner.cluster);
  let site: Site;
  let one: NodeHandle;
  let two: NodeHandle;

  beforeAll(async () => {
    site = await driver.create({ owner, mtu: 1500, etcdMembers: 1 }, signal);
    [one, two] = await Promise.all([
      site.addNode(plan('node1', '10.5.1.1/24'), signal),
      site.addNode(plan('node2', '10.5.2.1/24'), signal),
    ]);
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose](), 60_000);

  test('nodes have their names and addresses, and reach each other on the underlay', async () => {
    expect(site.nodes.map(node => node.name).sort()).toEqual(['node1', 'node2']);
    const { stdout } = await one.run(['ip', '-4', '-o', 'address', 'show', 'eth0']);
    expect(stdout).toContain(` ${one.address}/`);
    await one.run(['ping', '-c', '1', '-W', '2', two.address]);
  });

  test('nodes have one way out only: eth0', async () => {
    const { stdout } = await one.run(['ip', '-j', 'link']);
    const names = (JSON.parse(stdout) as { ifname: string; link_type: string }[])
      .filter(link => link.link_type === 'ether' && link.ifname !== 'docker0')
      .map(link => link.ifname);
    expect(names).toEqual(['eth0']);
  });

  test('etcd answers the nodes', async () => {
    const [etcd] = site.etcd;
    expect(site.etcd.map(({ name }) => name)).toEqual(['etcd']);
    const url = new URL(etcd?.endpoint ?? '');
    const connect = ['bash', '--norc', '-c', `exec 3<>/dev/tcp/${url.hostname}/${url.port}`] as const;
    await until(() => one.run(connect).then(() => true), { what: 'etcd', timeout: 20_000, signal });
    expect(await etcd?.isRunning()).toBe(true);
    expect(await etcd?.logs()).toMatch(/etcd/);
    const env = { ETCDCTL_API: '3' };
    const members = await etcd?.run(['etcdctl', '--endpoints', url.href, 'member', 'list'], { env });
    expect(members?.stdout).toContain('started');
  });

  test('commands get their input and environment, and give both streams and their exit code', async () => {
    const script = 'read line; echo "got $line and $WORD"; echo oops >&2; exit 3';
    const result = await one.run(['sh', '-c', script], {
      input: 'text\n',
      env: { WORD: 'word' },
      okCodes: [3],
    });
    expect(result).toEqual({ code: 3, stdout: 'got text and word\n', stderr: 'oops\n' });
    await expect(one.run(['sh', '-c', 'echo why >&2; exit 4'])).rejects.toThrow(CommandError);
    await expect(one.run(['sh', '-c', 'echo why >&2; exit 4'])).rejects.toThrow(/exited with 4:\nwhy/);
  });

  test('the daemon starts once, prints into its log, and runs until it is told to end', async () => {
    expect(await one.daemon.state()).toEqual({ running: false });
    await one.daemon.start();
    await one.daemon.start();
    const log = async () => ((await one.daemon.logs()).includes('ready with 10.5.1.1/24') ? true : undefined);
    await until(log, { what: 'the stand-in to be ready', timeout: 10_000, signal });
    expect(await one.daemon.state()).toEqual({ running: true, pid: expect.any(Number) });
    expect(await one.daemon.stop()).toBe(7);
    expect(await one.daemon.state()).toEqual({ running: false, exitCode: 7 });
  });

  test('a daemon that is killed is started again', async () => {
    await one.daemon.start();
    const before = await one.daemon.state();
    await one.daemon.restart('SIGKILL');
    const again = async () => {
      const state = await one.daemon.state();
      return state.running && state.pid !== undefined && state.pid !== before.pid ? state : undefined;
    };
    await until(again, { what: 'the daemon to run again', timeout: 10_000, signal });
  });

  test('on its node the daemon is found by its trail', async () => {
    const { pids, log } = one.daemon.trail;
    const { stdout } = await one.run(['sh', '-c', `cat ${pids.join(' ')} 2>/dev/null | sort -n | head -1`]);
    expect(Number(stdout)).toBe((await one.daemon.state()).pid);
    const follow = `${quote(log)} 2>&1 | grep -m 1 -o 'ready with 10.5.1.1/24'`;
    expect((await one.run(['timeout', '10', 'sh', '-c', follow])).stdout).toBe('ready with 10.5.1.1/24\n');
  });

  test('docker0 follows the options of mk-docker-opts, and a container behind it reaches it', async () => {
    await one.daemon.start();
    await one.dockerReady(signal);
    expect((await docker0(one))?.address).toBe('10.5.1.1/24');
    const workload = await one.startWorkload('a', signal);
    // Older engines give the bridge its MTU with the first container.
    expect(await docker0(one)).toEqual({ address: '10.5.1.1/24', mtu: 1450 });
    expect(workload.name).toBe('node1/a');
    expect(workload.address).toMatch(/^10\.5\.1\.\d+$/);
    expect(one.workloads).toEqual([workload]);
    await workload.run(['ping', '-c', '1', '-W', '2', '10.5.1.1']);
    const { stdout } = await workload.run(['ip', '-4', '-o', 'address', 'show', 'eth0']);
    expect(stdout).toContain(` ${workload.address}/24`);
    const entered = await one.run([...workload.enter, 'ip', '-4', '-o', 'address', 'show', 'eth0']);
    expect(entered.stdout).toBe(stdout);
  });

  test('another process finds the site by its data', async () => {
    const data = JSON.parse(JSON.stringify(site.data()));
    const attached = await driver.attach(owner, data);
    const node = attached.nodes.find(({ name }) => name === 'node1');
    expect(node?.address).toBe(one.address);
    expect((await node?.daemon.state())?.running).toBe(true);
    await node?.workloads[0]?.run(['ping', '-c', '1', '-W', '2', '10.5.1.1']);
    const addresses = (members: readonly EtcdMember[]) =>
      members.map(({ name, endpoint, host }) => ({ name, endpoint, host }));
    expect(addresses(attached.etcd)).toEqual(addresses(site.etcd));
  });

  test('a node can go alone', async () => {
    await two[Symbol.asyncDispose]();
    expect(site.nodes.map(node => node.name)).toEqual(['node1']);
    await expect(one.run(['ping', '-c', '1', '-W', '1', two.address])).rejects.toThrow(CommandError);
    await one.run(['true']);
  });

  test('survivors name the owner, and nothing survives disposal', async () => {
    const survivors = await mine();
    expect(survivors.map(survivor => survivor.owner)).toContainEqual(owner);
    const marks = survivors.flatMap(survivor => survivor.marks());
    const onHost = async () => marked(await hostLists(), marks);
    // By the same marks that nothing is found by afterwards.
    expect(await onHost()).not.toEqual([]);
    await site[Symbol.asyncDispose]();
    expect(await mine()).toEqual([]);
    await until(async () => ((await onHost()).length === 0 ? true : undefined), {
      what: `nothing on the host to have one of the marks ${marks.join()}`,
      timeout: 5000,
    });
    await site[Symbol.asyncDispose]();
  });

  test('an aborted creation leaves nothing', async () => {
    const abort = new AbortController();
    const creating = driver.create({ owner, mtu: 1500, etcdMembers: 1 }, abort.signal);
    abort.abort(new Error('enough'));
    await creating.then(made => made[Symbol.asyncDispose]()).catch(() => {});
    expect(await mine()).toEqual([]);
  });
}

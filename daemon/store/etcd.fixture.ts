// Real etcds for contract suites: on loopback, in folders of their own, gone with their handles.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../lib/free-port.ts';
import { findProgram } from '../../lib/places.ts';
import { until } from '../../lib/wait.ts';

export const etcdProgram = findProgram('etcd');

export interface EtcdFixture extends AsyncDisposable {
  readonly endpoint: string;
  /** Kills it without warning and starts it again on the same data and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Takes all data away from one that is stopped. */
  wipe(): Promise<void>;
  /** Freezes it, as a host that hangs, and lets it go on. */
  pause(): void;
  resume(): void;
}

export interface EtcdPlan {
  readonly scheme?: 'http' | 'https';
  /** More flags, without their dashes. */
  readonly flags?: Readonly<Record<string, string>>;
}

export async function startEtcd(plan: EtcdPlan = {}): Promise<EtcdFixture> {
  const [member] = await startCluster(1, plan);
  if (!member) throw new TypeError('a cluster of one without a member');
  return member;
}

/** Members of one cluster that answer, with the v2 API, too. */
export async function startCluster(size: number, plan: EtcdPlan = {}): Promise<EtcdFixture[]> {
  const seats = await Promise.all(
    Array.from({ length: size }, async (_, at) => ({
      name: `m${at}`,
      peers: `http://127.0.0.1:${await freePort()}`,
    })),
  );
  const all = seats.map(({ name, peers }) => `${name}=${peers}`).join();
  return Promise.all(seats.map(({ name, peers }) => startMember(name, peers, all, plan)));
}

async function startMember(
  name: string,
  peers: string,
  all: string,
  { scheme = 'http', flags = {} }: EtcdPlan,
): Promise<EtcdFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-etcd-'));
  const [client, metrics] = await Promise.all([freePort(), freePort()]);
  const endpoint = `${scheme}://127.0.0.1:${client}`;
  // Answers without certificates and passwords, whatever the clients' port asks for.
  const health = `http://127.0.0.1:${metrics}`;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const whole = {
      name,
      'enable-v2': 'true',
      'data-dir': folder,
      'listen-client-urls': endpoint,
      'advertise-client-urls': endpoint,
      'listen-metrics-urls': health,
      'listen-peer-urls': peers,
      'initial-advertise-peer-urls': peers,
      'initial-cluster': all,
      ...flags,
    };
    const args = Object.entries(whole).map(([flag, value]) => `--${flag}=${value}`);
    child = spawn(etcdProgram ?? 'etcd', args, { stdio: 'ignore' });
    await until(async () => ((await fetch(`${health}/health`)).ok ? true : undefined), {
      what: `etcd on ${endpoint}`,
      timeout: 10_000,
      interval: 20,
    });
  }

  async function stop(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  await start();
  return {
    endpoint,
    start,
    stop,
    wipe: () => rm(folder, { recursive: true, force: true }),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async restart() {
      await stop();
      await start();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// A real etcd for contract suites: on loopback, in a folder of its own, gone with its handle.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../lib/places.ts';
import { until } from '../../lib/wait.ts';

export const etcdProgram = findProgram('etcd');

export interface EtcdFixture extends AsyncDisposable {
  readonly endpoint: string;
  /** Kills it without warning and starts it again on the same data and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startEtcd(): Promise<EtcdFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-etcd-'));
  const [client, peer] = await Promise.all([freePort(), freePort()]);
  const endpoint = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const flags = {
      'data-dir': folder,
      'listen-client-urls': endpoint,
      'advertise-client-urls': endpoint,
      'listen-peer-urls': peers,
      'initial-advertise-peer-urls': peers,
      'initial-cluster': `default=${peers}`,
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    child = spawn(etcdProgram ?? 'etcd', args, { stdio: 'ignore' });
    await until(async () => ((await fetch(`${endpoint}/health`)).ok ? true : undefined), {
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port to be had');
  return address.port;
}

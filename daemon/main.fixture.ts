// The daemon as a process of its own, for tests: no etcd answers it, so it changes nothing on this machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../lib/wait.ts';

const program = fileURLToPath(new URL('main.ts', import.meta.url));

export interface DaemonProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly folder: string;
  /** Standard output and error so far. */
  readonly output: string;
  /** Waits until the output contains `text`. */
  said(text: string): Promise<void>;
  /** The exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null>;
}

export interface ProcessPlan {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** To share a subnet file with another. */
  readonly folder?: string;
  /** Words in front of the command, to run it in surroundings of its own. */
  readonly within?: readonly string[];
}

export async function startProcess(plan: ProcessPlan = {}): Promise<DaemonProcess> {
  const { flags = [], env = {}, folder, within = [] } = plan;
  const own = folder ?? (await mkdtemp(join(tmpdir(), 'flannel-lab-process-')));
  const endpoint = '-etcd-endpoints=http://127.0.0.1:1';
  const [command = '', ...args] = [
    ...within,
    process.execPath,
    program,
    endpoint,
    `-subnet-file=${own}/subnet.env`,
  ];
  const child = spawn(command, [...args, ...flags], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  return {
    child,
    folder: own,
    get output() {
      return output;
    },
    async said(text) {
      const found = async () => (output.includes(text) ? true : undefined);
      await until(found, { what: `"${text}" from flanneld`, timeout: 20_000, interval: 10 });
    },
    async ended() {
      const [code, signal] = await exit;
      return code ?? signal;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
      if (folder === undefined) await rm(own, { recursive: true, force: true });
    },
  };
}

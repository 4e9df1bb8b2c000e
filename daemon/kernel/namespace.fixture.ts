// A network namespace of its own for contract suites, with runners that work in it; gone with its handle.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlink } from 'node:fs/promises';
import type { Argv, Runner } from '../../lib/run.ts';
import { until } from '../../lib/wait.ts';
import { type Converse, type LineSource, spawnConversation, spawnLines, spawnRunner } from './spawn.ts';
import type { Sysctls } from './sysctls.ts';

export interface NamespaceFixture extends AsyncDisposable {
  readonly runner: Runner;
  readonly lines: LineSource;
  readonly converse: Converse;
  readonly sysctls: Sysctls;
  /** Runs `ip` with these words. */
  ip(words: string): Promise<void>;
}

const isRoot = process.getuid?.() === 0;

/** Whether this user may have network namespaces at all. */
export function canUnshare(): Promise<boolean> {
  return canMake('type vxlan id 1 dstport 8472');
}

/** Whether a device can be made in such a namespace, from the words after its name. */
export async function canMake(words: string): Promise<boolean> {
  try {
    await using namespace = await createNamespace();
    await namespace.ip(`link add probe ${words}`);
    return true;
  } catch {
    return false;
  }
}

export async function createNamespace(): Promise<NamespaceFixture> {
  const holder = spawn('unshare', [isRoot ? '-nm' : '-Urnm', 'sleep', 'infinity'], { stdio: 'ignore' });
  const gone = once(holder, 'exit');
  const own = await readlink('/proc/self/ns/net');
  await until(async () => ((await readlink(`/proc/${holder.pid}/ns/net`)) === own ? undefined : true), {
    what: 'the namespace',
    timeout: 5000,
    interval: 10,
  });
  const enter = ['-t', String(holder.pid), '-n', '-m', ...(isRoot ? [] : ['-U', '--preserve-credentials'])];
  const inside = (argv: Argv): Argv => ['nsenter', ...enter, '--', ...argv];
  const runner: Runner = { run: (argv, options) => spawnRunner.run(inside(argv), options) };
  return {
    runner,
    lines: (argv, signal) => spawnLines(inside(argv), signal),
    converse: argv => spawnConversation(inside(argv)),
    sysctls: {
      async read(path) {
        const { code, stdout } = await runner.run(['cat', `/proc/sys/${path}`], { okCodes: [0, 1] });
        return code === 0 ? stdout.trim() : undefined;
      },
      async write(path, input) {
        await runner.run(['tee', `/proc/sys/${path}`], { input });
      },
    },
    ip: async words => void (await runner.run(['ip', ...words.split(' ')])),
    async [Symbol.asyncDispose]() {
      holder.kill('SIGKILL');
      await gone;
    },
  };
}

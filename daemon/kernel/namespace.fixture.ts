// A network namespace of its own for contract suites, with runners that work in it; gone with its handle.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import koffi from 'koffi';
import type { Argv, Runner } from '../../lib/run.ts';
import { until } from '../../lib/wait.ts';
import type { OpenNetlink } from './netlink/peers.ts';
import { type NetlinkSocket, netlinkOn } from './netlink/socket.ts';
import { type LineSource, spawnLines, spawnRunner } from './spawn.ts';
import type { Sysctls } from './sysctls.ts';

export interface NamespaceFixture extends AsyncDisposable {
  readonly runner: Runner;
  readonly lines: LineSource;
  readonly openNetlink: OpenNetlink;
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
    openNetlink: () => borrowNetlink(inside),
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

const opener = `
import koffi from ${JSON.stringify(import.meta.resolve('koffi'))};
const fd = koffi.load(null).func('int socket(int domain, int type, int protocol)')(16, 3, 0);
process.stdout.write(fd + '\\n');
process.stdin.resume();
`;

/** A process opens it inside, where this one cannot go, and it is taken over from there. */
async function borrowNetlink(inside: (argv: Argv) => Argv): Promise<NetlinkSocket> {
  const [program, ...args] = inside([process.execPath, '--input-type=module', '--eval', opener]);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [said] = await once(child.stdout, 'data');
    const syscall = koffi.load(null).func('long syscall(long number, long first, long second, long third)');
    // pidfd_open and pidfd_getfd, the same on x86-64 and arm64.
    const pidfd = Number(syscall(434, child.pid, 0, 0));
    const fd = Number(syscall(438, pidfd, Number(said), 0));
    if (fd < 0) throw new Error(`no netlink socket out of the namespace, errno ${koffi.errno()}`);
    closeSync(pidfd);
    return netlinkOn(fd);
  } finally {
    child.kill('SIGKILL');
  }
}

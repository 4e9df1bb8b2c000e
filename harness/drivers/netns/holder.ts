// A netns cluster is a process: the holder owns every namespace of it, and whatever kills the holder leaves nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../../../lib/errors.ts';
import { until } from '../../../lib/wait.ts';
import { startTimeOf } from '../../owner.ts';
import type { Owner } from '../driver.ts';

const marker = 'flannel-lab-holder';

/** The holder as other processes find it again. */
export interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

export interface FoundHolder extends Holder {
  readonly owner: Owner;
}

const rootless = process.getuid?.() !== 0;

/**
 * Starts a holder that runs `script` and waits for its line `ready`.
 * Unless the owner keeps the cluster, the holder ends when this process ends, however it ends.
 */
export async function startHolder(owner: Owner, script: string, signal: AbortSignal): Promise<Holder> {
  const flags = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  if (rootless) flags.push('--user', '--map-root-user');
  const argv = [...flags, 'sh', '-c', script, marker, JSON.stringify(owner)];
  const child = spawn('unshare', argv, {
    detached: true,
    stdio: [owner.keep ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  try {
    await firstLine(child, signal);
  } catch (cause) {
    child.kill('SIGKILL');
    const born = findHolders().filter(holder => isDeepStrictEqual(holder.owner, owner));
    await Promise.all(born.map(endHolder));
    signal.throwIfAborted();
    throw new UserError(`the namespaces of cluster ${owner.cluster} could not be made: ${complaint.trim()}`, {
      cause,
      hint: 'npm run lab -- doctor   # says what this machine lacks',
    });
  }
  letGo(child);
  return holderOf(child.pid ?? 0);
}

async function firstLine(child: ChildProcess, signal: AbortSignal): Promise<void> {
  if (!child.stdout) throw new Error('the holder has no standard output');
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the holder ended with ${code}`);
  });
  ended.catch(() => {});
  await Promise.race([once(lines, 'line', { signal }), ended]);
  lines.close();
}

/** This process need not stay alive for the holder's sake; the pipe on its stdin stays open until we end. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    if (stream && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
}

function holderOf(unsharePid: number): Holder {
  const pid = Number(readFileSync(`/proc/${unsharePid}/task/${unsharePid}/children`, 'utf8').trim());
  return { pid, startTime: startTimeOf(pid) ?? '0' };
}

function isRunning({ pid, startTime }: Holder): boolean {
  return startTimeOf(pid) === startTime;
}

/** Kills the holder and with it every process, link and mount of its cluster; resolves when the kernel is done. */
export async function endHolder(holder: Holder): Promise<void> {
  if (!isRunning(holder)) return;
  process.kill(holder.pid, 'SIGKILL');
  await until(async () => (isRunning(holder) ? undefined : true), {
    what: `the processes of namespace holder ${holder.pid} to end`,
    timeout: 10_000,
    interval: 10,
  });
}

/** All holders on this machine that this user can see, from their command lines. */
export function findHolders(): readonly FoundHolder[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .flatMap(entry => {
      const owner = ownerIn(commandLine(Number(entry)));
      const startTime = startTimeOf(Number(entry));
      return owner && startTime ? [{ pid: Number(entry), startTime, owner }] : [];
    });
}

function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** `sh -c <script> flannel-lab-holder <owner>`; `unshare …` in front of it is the holder's parent, not the holder. */
function ownerIn(argv: readonly string[]): Owner | undefined {
  if (argv[0] !== 'sh' || argv[3] !== marker) return undefined;
  return JSON.parse(argv[4] ?? '') as Owner;
}

/** The words before a command that has to run inside the cluster, in the namespaces of its process `pid` (1: the holder). */
export function enter(holder: Holder, pid = 1): readonly [string, ...string[]] {
  const proc = `/proc/${holder.pid}/root/proc/${pid}/ns`;
  const user = rootless ? [`--user=/proc/${holder.pid}/ns/user`, '--preserve-credentials'] : [];
  return [
    'nsenter',
    ...user,
    `--net=${proc}/net`,
    `--mount=${proc}/mnt`,
    `--pid=/proc/${holder.pid}/ns/pid`,
    '--',
  ];
}

// Lists what this machine has, outside of any cluster: processes, mounts, links, cgroups and firewall rules.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { localRunner } from '../lib/run.ts';
import type { HostLists } from './leaks.ts';
import { startTimeOf } from './owner.ts';

export async function hostLists(): Promise<HostLists> {
  const rules = await Promise.all([lines(['iptables-save']), lines(['nft', 'list', 'ruleset'])]);
  return {
    processes: processIds().map(processLine),
    // Mount point, root and source of each.
    mounts: text('/proc/self/mountinfo')
      .split('\n')
      .map(line => line.split(' ').slice(3).join(' ')),
    links: names('/sys/class/net'),
    cgroups: cgroups('/sys/fs/cgroup'),
    rules: rules.flat(),
  };
}

/**
 * Marks of the processes that are in the PID namespace of this one, or in a network or mount namespace of those.
 * Numbers of namespaces are no marks: the kernel gives them again at once.
 */
export function processesAround(pid: number): readonly string[] {
  const own = new Set(namespaces('self'));
  const all = processIds().map(id => ({ id, spaces: namespaces(id) }));
  const inside = namespaces(pid)[0] ?? '';
  const theirs = new Set(all.filter(({ spaces }) => spaces[0] === inside).flatMap(({ spaces }) => spaces));
  return all
    .filter(({ spaces }) => spaces.some(space => theirs.has(space) && !own.has(space)))
    .map(({ id }) => processMark(id));
}

function processLine(pid: number): string {
  const cgroup = text(`/proc/${pid}/cgroup`).trim().replaceAll('\n', ' ');
  return [processMark(pid), text(`/proc/${pid}/comm`).trim(), cgroup].join(' ');
}

/** `[123 since 4567]`: with its start time a process id is never given twice. */
function processMark(pid: number): string {
  return `[${pid} since ${startTimeOf(pid)}]`;
}

function processIds(): readonly number[] {
  return names('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number);
}

/** Those of PIDs, of the network and of mounts, of a process that has not ended. */
function namespaces(pid: number | 'self'): readonly string[] {
  try {
    return ['pid', 'net', 'mnt'].map(kind => readlinkSync(`/proc/${pid}/ns/${kind}`));
  } catch {
    return [];
  }
}

function cgroups(folder: string): readonly string[] {
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory());
    return below.flatMap(({ name }) => [join(folder, name), ...cgroups(join(folder, name))]);
  } catch {
    return [];
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Nothing where the program is missing, or this user may not ask. */
async function lines(argv: readonly [string, ...string[]]): Promise<readonly string[]> {
  const { stdout } = await localRunner.run(argv).catch(() => ({ stdout: '' }));
  return stdout.split('\n').filter(Boolean);
}

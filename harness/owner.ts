// Who made a cluster: a process id together with its start time, which the kernel never gives twice.
import { readFileSync } from 'node:fs';
import type { Owner } from './drivers/driver.ts';

/** Field 22 of /proc/<pid>/stat, clock ticks since boot; undefined when there is no such process. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** The owner of what this process is about to make. */
export function ownedHere(cluster: string, { keep }: { readonly keep: boolean }): Owner {
  return { cluster, pid: process.pid, startTime: startTimeOf(process.pid) ?? '0', keep };
}

/** Whether the process that made it still runs. */
export function isAlive({ pid, startTime }: Pick<Owner, 'pid' | 'startTime'>): boolean {
  return startTimeOf(pid) === startTime;
}

/** Abandoned things are what `gc` removes: not kept on purpose, and their maker is gone. */
export function isAbandoned(owner: Owner): boolean {
  return !owner.keep && !isAlive(owner);
}

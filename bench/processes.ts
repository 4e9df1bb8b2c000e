// What a process and all it has started take of this machine, from /proc.
import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory of the process and its descendants in megabytes; pages they share count for each. */
export function residentMegabytes(pid: number): number {
  const kilobytes = withDescendants(pid).map(member => {
    const [, size = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${member}/status`)) ?? [];
    return Number(size);
  });
  return sum(kilobytes) / 1024;
}

/**
 * Processor time of the process and its descendants so far, in milliseconds: exact for those that run, in steps of
 * 10 ms for those that ended.
 */
export function processorMilliseconds(pid: number): number {
  return sum(withDescendants(pid).map(member => running(member) + ended(member)));
}

function running(pid: number): number {
  const nanoseconds = list(`/proc/${pid}/task`).map(task =>
    Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]),
  );
  return sum(nanoseconds) / 1e6;
}

/** Of children that were waited for: fields 16 and 17 of stat, in clock ticks, of which Linux has 100 a second. */
function ended(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  const [user = '0', system = '0'] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15);
  return (Number(user) + Number(system)) * 10;
}

/** The processes this one has started and not yet seen the end of. */
export function children(pid: number): readonly number[] {
  return list(`/proc/${pid}/task`).flatMap(task =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
}

function withDescendants(pid: number): readonly number[] {
  return [pid, ...children(pid).flatMap(withDescendants)];
}

/** Empty for a process that has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

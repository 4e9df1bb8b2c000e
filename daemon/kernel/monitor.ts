// Hears of changes through one long-lived `ip monitor`, and says only that there was one that may concern us.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from '../../lib/log.ts';
import { findProgram } from '../../lib/places.ts';
import { sleep } from '../../lib/wait.ts';
import { backoff } from '../model/renewal.ts';
import type { ReadScope } from './kernel.ts';

/** Yields on changes of links, addresses, IPv4 routes and the permanent entries of our devices. */
export async function* monitor(
  { devices }: ReadScope,
  log: Logger,
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  const wait = backoff(1000, 60_000);
  while (!signal.aborted) {
    const started = performance.now();
    try {
      for await (const line of lines(signal)) if (concernsUs(line, devices)) yield;
    } catch (error) {
      if (signal.aborted) return;
      log.debug('ip monitor ended, starting it again', { error: String(error) });
    }
    if (signal.aborted) return;
    yield; // whatever happened while nobody listened
    if (performance.now() - started > 60_000) wait.reset();
    await sleep(wait.next(), signal).catch(() => {});
  }
}

async function* lines(signal: AbortSignal): AsyncGenerator<string, void> {
  // A child that outlives a killed daemon would keep its network namespace alive.
  const parted = findProgram('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  const [program = 'ip', ...args] = [...parted, 'ip', '-o', 'monitor', 'link', 'address', 'route', 'neigh'];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
  failed.catch(() => {});
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    for await (const line of createInterface({ input: child.stdout })) yield line;
    await Promise.race([failed, new Promise(resolve => setImmediate(resolve))]);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

/** Neighbours of other devices come and go all the time; everything else is rare enough to look. */
function concernsUs(line: string, devices: readonly string[]): boolean {
  const isNeighbour = /\b(lladdr|REACHABLE|STALE|DELAY|PROBE|FAILED|INCOMPLETE|PERMANENT)\b/.test(line);
  if (!isNeighbour) return true;
  return devices.some(dev => line.includes(`dev ${dev} `));
}

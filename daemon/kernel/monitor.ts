// Hears of changes through one long-lived `ip monitor`, and says only that there was one that may concern us.
import type { Logger } from '../../lib/log.ts';
import { sleep } from '../../lib/wait.ts';
import { backoff } from '../model/renewal.ts';
import type { Echoes } from './echoes.ts';
import type { ReadScope } from './kernel.ts';
import type { LineSource } from './spawn.ts';

/** Yields on changes by others of links, addresses, routes and the permanent entries of our devices. */
export async function* monitor(
  { devices }: ReadScope,
  echoes: Echoes,
  lines: LineSource,
  log: Logger,
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  const wait = backoff(1000, 60_000);
  while (!signal.aborted) {
    const started = performance.now();
    try {
      for await (const line of lines(['ip', '-o', 'monitor', 'link', 'address', 'route', 'neigh'], signal))
        if (concernsUs(line, devices) && !echoes.has(line)) yield;
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

/** Neighbours of other devices and routes of other tables come and go all the time; the rest is rare enough to look. */
export function concernsUs(line: string, devices: readonly string[]): boolean {
  const isNeighbour = /\b(lladdr|REACHABLE|STALE|DELAY|PROBE|FAILED|INCOMPLETE|PERMANENT|NOARP)\b/.test(line);
  if (isNeighbour) return devices.some(dev => `${line} `.includes(`dev ${dev} `));
  // Links and addresses begin with the number of the device. The main table is not named.
  return /^(Deleted )?\d+: /.test(line) || !/(?<! dev) table \S/.test(line);
}

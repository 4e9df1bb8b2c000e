// What every watch of a registry does when it breaks: wait a little and read anew.
import type { Logger } from '../../lib/log.ts';
import { sleep } from '../../lib/wait.ts';
import { backoff } from '../model/renewal.ts';

/** A watch that lasted longer than this starts over with the shortest wait, in milliseconds. */
const longEnough = 10_000;

/**
 * Watches anew whenever a watch ends, which makes each gap a fresh reading; only the first one is given what is `known`.
 * Ends when the signal aborts.
 */
export async function* watchAnew<T, K = never>(
  watchOnce: (known?: K) => AsyncGenerator<T, void>,
  log: Logger,
  signal: AbortSignal,
  known?: K,
): AsyncGenerator<T, void> {
  let first = known;
  const wait = backoff(100, 2000);
  while (!signal.aborted) {
    const started = performance.now();
    try {
      const given = first;
      first = undefined;
      yield* watchOnce(given);
    } catch (error) {
      if (signal.aborted) return;
      log.debug('etcd watch interrupted, reading anew', { error: String(error) });
    }
    if (performance.now() - started > longEnough) wait.reset();
    await sleep(wait.next(), signal).catch(() => {});
  }
}

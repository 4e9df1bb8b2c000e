// Bounds what a daemon writes when something goes wrong again and again: a burst at once, then a trickle.
import type { Fields, Logger } from '../../lib/log.ts';

export interface GuardOptions {
  /** Lines that may come at once. */
  readonly burst: number;
  /** Lines a second after that. */
  readonly perSecond: number;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/**
 * Passes lines on while there is room for them, and says how many it left out as soon as there is room again. A
 * quarter of the burst is kept for warnings and errors. Debug lines were asked for and always pass.
 */
export function guardLog(log: Logger, { burst, perSecond, now }: GuardOptions): Logger {
  const reserve = burst / 4;
  let room = burst;
  let at = now();
  let leftOut = 0;

  const guarded =
    (write: Logger['info'], keep: number) =>
    (message: string, fields?: Fields): void => {
      const time = now();
      room = Math.min(burst, room + ((time - at) / 1000) * perSecond);
      at = time;
      if (room - keep < (leftOut > 0 ? 2 : 1)) {
        leftOut++;
        return;
      }
      if (leftOut > 0) {
        log.warn('log lines were left out, there were too many', { lines: leftOut });
        leftOut = 0;
        room--;
      }
      room--;
      write(message, fields);
    };

  return {
    debug: log.debug,
    info: guarded(log.info, reserve),
    warn: guarded(log.warn, 0),
    error: guarded(log.error, 0),
  };
}

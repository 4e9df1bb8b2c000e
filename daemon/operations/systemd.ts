// Keeps systemd informed over $NOTIFY_SOCKET: ready once, what the daemon is doing, alive, stopping.
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

export interface Supervision {
  /** Sends one datagram; undefined when nobody asked to be told. */
  readonly send: (state: string) => Promise<void>;
  /** One line on what the daemon is doing. */
  readonly summary: () => string;
  /** Whether a sign of life may be given. */
  readonly alive: () => boolean;
  /** Milliseconds between signs of life; undefined when none are wanted. */
  readonly watchdog: number | undefined;
  readonly log: Logger;
}

export interface Supervisor {
  ready(): void;
  /** Says that the daemon stops; resolves when that was sent. Nothing is sent after it. */
  stopping(): Promise<void>;
}

/** How often the status is looked at, in milliseconds: a start that takes no longer sends it with READY=1 only. */
const statusEvery = 2000;

export function supervise({ send, summary, alive, watchdog, log }: Supervision): Supervisor {
  let told = '';
  let said = false;
  let done: Promise<void> = Promise.resolve();
  const tell = (...lines: readonly string[]) => {
    done = done
      .then(() => send(lines.join('\n')))
      .catch((error: unknown) => {
        if (!said) log.error('cannot tell systemd how the daemon is doing', { error: describeError(error) });
        said = true;
      });
    return done;
  };
  const status = () => {
    const text = summary();
    if (text === told) return [];
    told = text;
    return [`STATUS=${text}`];
  };
  const timers = [
    setInterval(() => {
      const lines = status();
      if (lines.length > 0) void tell(...lines);
    }, statusEvery),
  ];
  if (watchdog !== undefined) timers.push(setInterval(() => alive() && void tell('WATCHDOG=1'), watchdog));
  for (const timer of timers) timer.unref();
  return {
    ready: () => void tell('READY=1', ...status()),
    stopping() {
      for (const timer of timers) clearInterval(timer);
      return tell('STOPPING=1');
    },
  };
}

/** Half of what systemd allows between two signs of life, in milliseconds; undefined when it wants none from us. */
export function watchdogInterval(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const allowed = Number(env.WATCHDOG_USEC ?? '') / 1000;
  if (!(allowed > 0) || (env.WATCHDOG_PID && env.WATCHDOG_PID !== String(pid))) return undefined;
  return Math.max(10, Math.min(allowed / 2, 2 ** 31 - 1));
}

// Waiting for a state with a deadline, never for a moment: what was awaited and what was last seen is in the error.
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, UserError } from './errors.ts';

/** Resolves after `milliseconds`; rejects with the signal's reason when it aborts first. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Thrown by a probe when waiting longer is useless: `until` rethrows it at once. */
export class GaveUp extends UserError {
  override readonly name = 'GaveUp';
}

export interface UntilOptions {
  /** Completes "timed out after N s waiting for …". */
  readonly what: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Milliseconds between two attempts; doubles from 5 ms up to this. Default 100. */
  readonly interval?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `probe` until it returns something other than undefined, and returns that.
 * A probe that throws is tried again; its last error is part of the final message.
 */
export async function until<T>(probe: () => Promise<T | undefined>, options: UntilOptions): Promise<T> {
  const { what, timeout, interval = 100, signal } = options;
  const started = performance.now();
  let pause = Math.min(5, interval);
  let last: unknown;
  let attempts = 0;
  for (;;) {
    attempts++;
    try {
      const value = await probe();
      if (value !== undefined) return value;
      last = undefined;
    } catch (error) {
      if (error instanceof GaveUp) throw error;
      last = error;
    }
    signal?.throwIfAborted();
    if (performance.now() - started + pause > timeout) {
      const seen = last === undefined ? '' : `; last error: ${describeError(last)}`;
      throw new UserError(
        `timed out after ${timeout / 1000} s (${attempts} tries) waiting for ${what}${seen}`,
        {
          cause: last,
        },
      );
    }
    await sleep(pause, signal);
    pause = Math.min(pause * 2, interval);
  }
}

/** The promise with a time limit: what is late is a UserError that says what was late. */
export async function within<T>(promise: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new UserError(`${what} took longer than ${Math.round(milliseconds)} ms`);
    timer = setTimeout(() => reject(error), milliseconds);
  });
  // Whoever comes second may still fail, and nobody waits for it then.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

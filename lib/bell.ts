// Wakes one waiting loop: any number of rings while it is busy count as one.

export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;
  #broken: { readonly error: unknown } | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Whoever should ring it cannot any more: the waiting loop ends with this error instead of waiting in vain. */
  break(error: unknown): void {
    this.#broken ??= { error };
    this.#wake?.();
  }

  /**
   * Resolves with true once the bell rang since the last call, with false after `milliseconds`; rejects with the
   * signal's reason when it aborts, and with the error once the bell is broken.
   */
  async heard(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (!this.#rung && !this.#broken) {
      // Timers beyond 2^31 ms fire at once.
      await this.#wait(Math.min(Math.max(0, milliseconds), 2 ** 31 - 1), signal);
      signal.throwIfAborted();
    }
    if (this.#broken) throw this.#broken.error;
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }

  #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }
}

/** Rings the bell for each item until the source ends, which it does when its signal aborts; an error breaks the bell. */
export async function ringOn(source: AsyncIterable<unknown>, bell: Bell): Promise<void> {
  try {
    for await (const _ of source) bell.ring();
  } catch (error) {
    bell.break(error);
  }
}

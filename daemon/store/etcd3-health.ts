// Whether etcd answers: one log line when it stops and one when it answers again, however often it is asked.
import { isRecoverableError } from 'etcd3';
import type { Logger } from '../../lib/log.ts';
import { StoreError } from './lease-store.ts';

export interface Health {
  /** Passes the answer on; a failure is noted and rejects with StoreError, an abort with the signal's reason. */
  observe<T>(request: Promise<T>, signal: AbortSignal): Promise<T>;
}

export function createHealth(log: Logger): Health {
  let trouble: string | undefined;
  let since = 0;

  function failed(error: unknown): void {
    const kind = kindOf(error);
    if (trouble === kind) return;
    if (trouble === undefined) since = performance.now();
    trouble = kind;
    log.warn(kind, { error: messageOf(error) });
  }

  function answered(): void {
    if (trouble === undefined) return;
    trouble = undefined;
    log.info('etcd answers again', { after: `${((performance.now() - since) / 1000).toFixed(1)}s` });
  }

  return {
    async observe(request, signal) {
      try {
        const answer = await abortable(request, signal);
        answered();
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        failed(error);
        throw new StoreError(messageOf(error), { cause: error });
      }
    },
  };
}

/** Errors of one kind differ in their texts (ports, dates) and would each make a line of their own. */
function kindOf(error: unknown): string {
  if (error instanceof Error && isRecoverableError(error)) return 'etcd does not answer, trying on';
  return 'etcd refuses a request, trying on';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function abortable<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    request.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

// Whether etcd answers: one log line when it stops and one when it answers again, however often it is asked.
import type { Logger } from '../../lib/log.ts';
import { StoreError } from './lease-store.ts';

export interface Health {
  /** Passes the answer on; a failure is noted and rejects with StoreError, an abort with the signal's reason. */
  observe<T>(request: Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Hears of the first answer, of the beginning of each outage, and of its end. */
export type Told = (answers: boolean) => void;

/** `isOutage` tells a request that got no answer from one that etcd refused. */
export function createHealth(
  log: Logger,
  isOutage: (error: unknown) => boolean,
  told: Told = () => {},
): Health {
  /** Undefined before the first answer or failure. */
  let answers: boolean | undefined;
  /** The kinds of trouble that were said since etcd answered last. */
  const said = new Set<string>();
  let since = 0;

  function failed(error: unknown): void {
    const kind = kindOf(error, isOutage);
    if (answers !== false) {
      answers = false;
      since = performance.now();
      told(false);
    }
    if (said.has(kind)) return;
    said.add(kind);
    log.warn(kind, { error: messageOf(error) });
  }

  function answered(): void {
    if (answers === true) return;
    if (answers === false)
      log.info('etcd answers again', { after: `${((performance.now() - since) / 1000).toFixed(1)}s` });
    answers = true;
    said.clear();
    told(true);
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
function kindOf(error: unknown, isOutage: (error: unknown) => boolean): string {
  if (!isOutage(error)) return 'etcd refuses a request, trying on';
  if (/certificate|\bSSL\b|\bTLS\b/i.test(messageOf(error)))
    return 'no secure connection to etcd, trying on; do -etcd-cafile, -etcd-certfile and -etcd-keyfile fit it?';
  return 'etcd does not answer, trying on';
}

/** Without what grpc and OpenSSL wrap around the reason, and without Node's advice: the host's authorities are asked. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace(/^(?:\w+: )?\d+ [A-Z_]+: /, '')
    .replace(/^No connection established\. Last error: (?:Error(?: \[\w+\])?: )?/, '')
    .replace(/^Deadline exceeded after ([\d.]+)s.*/, 'no answer within $1 s')
    .replace(/ \(\d{4}-[\d-]+T[\d:.]+Z\)/, '')
    .replace(/\.? Resolution note: *$/, '')
    .replace(/[0-9A-F]+:error:[0-9A-F]+:SSL routines:\w*:([^:]+):[\s\S]*/, '$1')
    .replace(/; if the root CA is installed locally, try running Node\.js with --use-system-ca/, '')
    .trim();
}

function abortable<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    request.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

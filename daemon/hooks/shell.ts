// Runs a command of the configuration with sh: bounded in time and output, and never two at once.
import { spawn } from 'node:child_process';
import { UserError } from '../../lib/errors.ts';

/** For the environment of a command; those undefined are taken out of it. */
export type Variables = Readonly<Record<string, string | undefined>>;

export interface ShellCall {
  readonly variables: Variables;
  /** Standard input, which ends after it. */
  readonly input: string;
  /** Ends the command, with all it has started, at once when it aborts. */
  readonly signal?: AbortSignal;
  /** Milliseconds it may take, when that is less than the shell's limit. */
  readonly time?: number;
}

export interface Shell {
  /**
   * Resolves with what the command printed to standard output and standard error, without blanks around it. Rejects
   * with a UserError that completes "the command …" when it fails, and with the signal's reason.
   */
  run(command: string, call: ShellCall): Promise<string>;
}

export interface ShellLimits {
  /** Milliseconds a command may take. Default one minute. */
  readonly time?: number;
  /** Bytes it may print. Default 64 KiB: what is published goes to every node of the cluster. */
  readonly output?: number;
}

/** Commands wait for each other: those of one configuration may change the same things. */
export function createShell({ time = 60_000, output = 65_536 }: ShellLimits = {}): Shell {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(command, call) {
      const next = last.then(() => {
        call.signal?.throwIfAborted();
        return runNow(command, call, { time: Math.min(call.time ?? time, time), output });
      });
      last = next.catch(() => {});
      return next;
    },
  };
}

/** How long what a command left in the background may keep its output open, in milliseconds. */
const linger = 500;

function runNow(
  command: string,
  { variables, input, signal }: ShellCall,
  limits: Required<ShellLimits>,
): Promise<string> {
  // One pipe for both streams keeps their order. A group of its own can be ended as a whole.
  const child = spawn('sh', ['-c', 'exec sh -c "$0" 2>&1', command], {
    env: { ...process.env, ...variables },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // gone already
    }
  };
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let stopped: string | undefined;
    const stop = (why: string) => {
      stopped ??= why;
      end();
    };
    const timer = setTimeout(() => stop(`took longer than ${limits.time / 1000} s`), limits.time);
    signal?.addEventListener('abort', end, { once: true });
    child.stdin.on('error', () => {}); // it need not read
    child.stdin.end(input);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limits.output) chunks.push(chunk);
      else stop(`printed more than ${limits.output} bytes`);
    });
    child.once('error', error => settle(`could not be started: ${error.message}`));
    child.once('exit', (code, by) => {
      const failure = stopped ?? (by ? `was ended by ${by}` : code === 0 ? undefined : `ended with ${code}`);
      const grace = setTimeout(() => settle(failure), linger);
      child.once('close', () => {
        clearTimeout(grace);
        settle(failure);
      });
    });

    function settle(failure: string | undefined): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      child.stdout.destroy();
      const text = Buffer.concat(chunks).toString('utf8').trim();
      if (signal?.aborted) reject(signal.reason);
      else if (failure === undefined) resolve(text);
      else reject(new UserError(text ? `${failure}: ${excerpt(text)}` : failure));
    }
  });
}

/** The end of what a command printed, as far as it fits into a log line. */
export function excerpt(text: string): string {
  return text.length <= 500 ? text : `…${text.slice(-500)}`;
}

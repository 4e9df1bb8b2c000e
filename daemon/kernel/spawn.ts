// Processes as the daemon starts them: node's own spawn, because execa alone costs a third of the start-up budget.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { findProgram } from '../../lib/places.ts';
import { type Argv, CommandError, type Runner, type RunOptions, type RunResult } from '../../lib/run.ts';

/** Runs commands on this machine. Same promises as `localRunner` of lib/run.ts. */
export const spawnRunner: Runner = { run };

function run(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
  const { input = '', env = {}, signal, timeout = 30_000, okCodes = [0] } = options;
  const [program, ...args] = argv;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, LC_ALL: 'C', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(signal ? { signal } : {}),
    });
    let stdout = '';
    let stderr = '';
    let failure: Error | undefined;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeout);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {}); // it may end before it has read everything; its exit code tells
    child.stdin.end(input);
    child.on('error', error => {
      failure = error;
      if (child.pid === undefined) finish(undefined, null); // never started: no `close` follows
    });
    child.on('close', finish);

    function finish(code: number | null | undefined, killed: NodeJS.Signals | null): void {
      clearTimeout(timer);
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      if (code !== undefined && code !== null && okCodes.includes(code)) {
        resolve({ code, stdout, stderr });
        return;
      }
      const milliseconds = performance.now() - started;
      const facts = {
        argv,
        code: code ?? undefined,
        signal: killed ?? undefined,
        stdout,
        stderr,
        milliseconds,
      };
      reject(new CommandError({ ...facts, timedOut }, failure));
    }
  });
}

/** Starts a long-lived process and yields its output line by line. */
export type LineSource = (argv: Argv, signal: AbortSignal) => AsyncIterable<string>;

/**
 * The lines of a process on this machine. Ends when the process does; throws when it cannot be started or the signal
 * aborts. The process ends with the iteration, and with this process however that ends.
 */
export async function* spawnLines(argv: Argv, signal: AbortSignal): AsyncGenerator<string, void> {
  // A child that outlived a killed daemon would keep its network namespace alive.
  const parted = findProgram('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  const [program = '', ...args] = [...parted, ...argv];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, LC_ALL: 'C' },
    killSignal: 'SIGKILL',
    signal,
  });
  const ended = new Promise<void>((resolve, reject) =>
    child.once('error', reject).once('close', () => resolve()),
  );
  ended.catch(() => {});
  try {
    for await (const line of createInterface({ input: child.stdout })) yield line;
    await ended;
  } finally {
    child.kill('SIGKILL');
  }
}

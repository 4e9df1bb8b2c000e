// The daemon's Runner: node's own spawn and nothing else, because execa alone costs a third of the start-up budget.
import { spawn } from 'node:child_process';
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

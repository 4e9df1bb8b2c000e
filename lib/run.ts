// The one way to start a process and wait for it: argv in, text out, failures that can be pasted into a shell.

export type Argv = readonly [program: string, ...args: string[]];

export interface RunOptions {
  readonly input?: string | undefined;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; the process is killed after it. Default 30 s: nothing we call may hang for ever. */
  readonly timeout?: number | undefined;
  /** Exit codes that are not failures. Default [0]. */
  readonly okCodes?: readonly number[] | undefined;
}

/** For `okCodes`: whatever the command says, the caller looks at it. */
export const anyCode: readonly number[] = Array.from({ length: 256 }, (_, code) => code);

export interface RunResult {
  /** Exit code; 0 unless `okCodes` allows others. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command somewhere: here, in a node of a cluster, in a fake. */
export interface Runner {
  /** Resolves when the process has ended with an accepted code; rejects with {@link CommandError} otherwise. */
  run(argv: Argv, options?: RunOptions): Promise<RunResult>;
}

export interface CommandFacts {
  readonly argv: Argv;
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
  readonly timedOut: boolean;
}

/** A command that could not be started, ended with another code than accepted, or ran out of time. */
export class CommandError extends Error {
  readonly facts: CommandFacts;

  constructor(facts: CommandFacts, cause?: unknown) {
    super(commandMessage(facts, cause), cause === undefined ? undefined : { cause });
    this.name = 'CommandError';
    this.facts = facts;
  }
}

function commandMessage(
  { argv, code, signal, stdout, stderr, milliseconds, timedOut }: CommandFacts,
  cause: unknown,
): string {
  const ending = timedOut
    ? `timed out after ${Math.round(milliseconds)} ms`
    : signal
      ? `was killed by ${signal}`
      : code === undefined
        ? `could not be started${cause instanceof Error ? ` (${cause.message})` : ''}`
        : `exited with ${code}`;
  const output = (stderr.trim() || stdout.trim()).slice(-2000);
  return `${quote(argv)} ${ending}${output ? `:\n${output}` : ''}`;
}

/** The command line as one would type it. */
export function quote(argv: readonly string[]): string {
  return argv
    .map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}

/** Runs commands on this machine, in the namespaces of this process. */
export const localRunner: Runner = { run };

async function run(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
  const { input = '', env = {}, signal, timeout = 30_000, okCodes = [0] } = options;
  const [program, ...args] = argv;
  // Loaded on first use: the daemon shares this file's types and errors, and its start has no 30 ms to spare.
  const { execa } = await import('execa');
  const result = await execa(program, args, {
    input,
    env: { LC_ALL: 'C', ...env },
    timeout,
    reject: false,
    stripFinalNewline: false,
    ...(signal ? { cancelSignal: signal } : {}),
  });
  if (result.isCanceled) signal?.throwIfAborted();
  const { stdout, stderr, exitCode } = result;
  if (exitCode !== undefined && okCodes.includes(exitCode)) return { code: exitCode, stdout, stderr };
  throw new CommandError(
    {
      argv,
      code: exitCode,
      signal: result.signal,
      stdout,
      stderr,
      milliseconds: result.durationMs,
      timedOut: result.timedOut,
    },
    result.cause,
  );
}

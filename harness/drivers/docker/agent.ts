// Runs commands in a node through the agent there (images/node/agent.mjs): one `docker exec`, a millisecond for each command.
import type Docker from 'dockerode';
import { type Argv, CommandError, type Runner, type RunOptions, type RunResult } from '../../../lib/run.ts';
import { type Answer, Session } from './session.ts';

/** Connects on first use, and again when the connection has ended. An idle connection does not keep the process alive. */
export class Agent implements Runner {
  readonly #container: Docker.Container;
  readonly #node: string;
  #session: Promise<Session> | undefined;
  #closed = false;

  constructor(container: Docker.Container, node: string) {
    this.#container = container;
    this.#node = node;
  }

  async run(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
    const { input = '', env = {}, signal, timeout = 30_000, okCodes = [0] } = options;
    const started = performance.now();
    const late = AbortSignal.timeout(timeout);
    const failed = (answer: Partial<Answer>, cause?: unknown) =>
      new CommandError(
        {
          argv,
          code: answer.code ?? undefined,
          signal: answer.signal ?? undefined,
          stdout: answer.stdout ?? '',
          stderr: answer.stderr ?? '',
          milliseconds: performance.now() - started,
          timedOut: late.aborted,
        },
        cause,
      );
    const ended = signal ? AbortSignal.any([late, signal]) : late;
    const answer = await this.#ask({ argv, env: { LC_ALL: 'C', ...env }, input }, ended).catch(cause => {
      signal?.throwIfAborted();
      throw failed({ stderr: late.aborted ? '' : String(cause) }, cause);
    });
    const { code, stdout, stderr } = answer;
    if (code !== null && okCodes.includes(code)) return { code, stdout, stderr };
    throw failed(answer);
  }

  /** For good: the node is about to go, and what still runs there would only hold it back. */
  close(): void {
    this.#closed = true;
    this.#session?.then(
      session => session.close(),
      () => {},
    );
  }

  async #ask(request: object, signal: AbortSignal): Promise<Answer> {
    if (this.#closed) throw new Error(`${this.#node} has been removed`);
    this.#session ??= Session.open(this.#container, () => {
      this.#session = undefined;
    });
    this.#session.catch(() => {
      this.#session = undefined;
    });
    // A node that is paused takes no connection either.
    const session = await orAborted(this.#session, signal);
    return session.ask(request, signal, this.#node);
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

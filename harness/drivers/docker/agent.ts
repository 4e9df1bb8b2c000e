// Runs commands in a node through the agent there (images/node/agent.mjs): one `docker exec`, a millisecond for each command.
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { type Argv, CommandError, type Runner, type RunOptions, type RunResult } from '../../../lib/run.ts';

const command = ['node', '/usr/local/lib/flannel-lab/agent.mjs'];

interface Answer {
  readonly id: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

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
  async close(): Promise<void> {
    this.#closed = true;
    const session = await this.#session?.catch(() => undefined);
    session?.close();
  }

  async #ask(request: object, signal: AbortSignal): Promise<Answer> {
    if (this.#closed) throw new Error(`${this.#node} has been removed`);
    this.#session ??= Session.open(this.#container, () => {
      this.#session = undefined;
    });
    this.#session.catch(() => {
      this.#session = undefined;
    });
    const session = await this.#session;
    return session.ask(request, signal, this.#node);
  }
}

/** One connection: requests go out as lines, answers come back as lines in any order. */
class Session {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #count = 0;
  #complaint = '';
  #ended = false;

  static async open(container: Docker.Container, ended: () => void): Promise<Session> {
    const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
    const exec = await container.exec({ Cmd: command, ...streams });
    const socket = (await exec.start({ hijack: true, stdin: true })) as unknown as Socket;
    return new Session(container, socket, ended);
  }

  private constructor(container: Docker.Container, socket: Socket, ended: () => void) {
    this.#socket = socket;
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint += text;
    });
    container.modem.demuxStream(socket, stdout, stderr);
    createInterface({ input: stdout }).on('line', line => this.#answered(line));
    const end = (error?: Error) => {
      if (this.#ended) return;
      this.#ended = true;
      ended();
      for (const { reject } of this.#waiting.values())
        reject(error ?? new Error(`the connection ended ${this.#complaint}`));
      this.#waiting.clear();
    };
    socket.on('error', end).on('close', () => end());
    socket.unref();
  }

  async ask(request: object, signal: AbortSignal, node: string): Promise<Answer> {
    signal.throwIfAborted();
    if (this.#ended) throw new Error(`the connection to ${node} has ended`);
    const id = ++this.#count;
    const answer = Promise.withResolvers<Answer>();
    const abort = () => {
      this.#send({ id, kill: true });
      answer.reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.set(id, answer);
    this.#socket.ref();
    this.#send({ id, ...request });
    try {
      return await answer.promise;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#socket.unref();
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(message: object): void {
    if (!this.#ended) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  #answered(line: string): void {
    // Where the agent could not be started, the runtime says why in its place.
    if (!line.startsWith('{')) this.#complaint += line;
    else {
      const answer = JSON.parse(line) as Answer;
      this.#waiting.get(answer.id)?.resolve(answer);
    }
  }
}

// One connection to the agent in a node: requests go out as lines, answers come back as lines in any order.
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';

const command = ['node', '/usr/local/lib/flannel-lab/agent.mjs'];

export interface Answer {
  readonly id: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An idle session does not keep the process alive. */
export class Session {
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

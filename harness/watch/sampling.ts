// The harness's end of a sampler: starts it on a node, hears its lines, and tells it what to do.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { within } from '../../lib/wait.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { subnetFile } from '../node-files.ts';
import { samplerProgram } from './sampler.ts';
import type { Sample, SamplerRequest } from './samples.ts';

/** Milliseconds a node may take to look at everything; a machine that is so slow is not watched any more. */
const patience = 5000;

export interface SamplingEvents {
  readonly heard: (sample: Sample) => void;
  /** It has ended, whoever ended it. */
  readonly ended: () => void;
}

export class Sampling {
  readonly #node: NodeHandle;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #syncs = new Map<number, () => void>();
  readonly #closed: Promise<void>;
  #complaint = '';
  #ended = false;

  constructor(node: NodeHandle, { heard, ended }: SamplingEvents) {
    const { pids, log } = node.daemon.trail;
    const program = samplerProgram({ pids, log, subnetFile });
    const [command, ...args] = node.commandLine(['node', '-e', program], { tty: false });
    this.#node = node;
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2000);
    });
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', ({ message }) => {
      this.#complaint += message;
    });
    this.#closed = new Promise(resolve => {
      this.#child.on('close', () => {
        this.#ended = true;
        for (const done of this.#syncs.values()) done();
        ended();
        resolve();
      });
    });
    createInterface({ input: this.#child.stdout }).on('line', line => {
      const sample = parseLine<Sample>(line);
      if (!sample) this.#complaint += line;
      else if ('synced' in sample) this.#syncs.get(sample.synced)?.();
      else heard(sample);
    });
  }

  /** What it printed on stderr: why it ended, if it did. */
  get complaint(): string {
    return this.#complaint.trim();
  }

  tell(request: SamplerRequest): void {
    if (!this.#ended) this.#child.stdin.write(`${JSON.stringify(request)}\n`);
  }

  /** Resolves when everything there was to see when this was called has been heard, or can no longer be. */
  async sync(): Promise<void> {
    if (this.#ended) return;
    const number = ++syncs;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#syncs.set(number, resolve);
    this.tell({ sync: number });
    await within(promise, patience, `a last look at ${this.#node.name}`).finally(() =>
      this.#syncs.delete(number),
    );
  }

  /**
   * Resolves when it has ended. It does so by itself: killed, what enters the node would leave behind in there what it
   * started, and whoever takes the cluster down would have to wait until somebody has looked after that.
   */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await within(this.#closed, patience, 'the end of a sampler').catch(() => this.#child.kill('SIGKILL'));
  }
}

let syncs = 0;

/** Undefined for a line that was cut short when its writer ended, or is somebody else's. */
export function parseLine<T>(line: string): T | undefined {
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined;
  }
}

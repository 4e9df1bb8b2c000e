// `ip -batch` and `bridge -batch` kept running: a burst of changes costs one process, not one for each change.
import type { Argv } from '../../lib/run.ts';
import type { Conversation, Converse } from './spawn.ts';

export interface BatchResult {
  /** Failed lines, counted from 1. */
  readonly errors: readonly { readonly line: number; readonly reason: string }[];
  /** Why the batch was left in the middle; undefined when all lines were tried. */
  readonly aborted: string | undefined;
}

/** How long a process waits for more, in milliseconds. */
const idle = 2000;
/** How long a batch may take, in milliseconds. */
const timeout = 30_000;
/** No command of any version: its failure says that the lines before it have been dealt with. */
const endOfBatch = 'settled';

export class Batch {
  readonly #argv: Argv;
  readonly #converse: Converse;
  #process: Conversation | undefined;
  /** Lines the process was given so far: it counts them in its errors. */
  #given = 0;
  #resting: NodeJS.Timeout | undefined;

  constructor(tool: 'ip' | 'bridge', converse: Converse) {
    this.#argv = [tool, '-force', '-batch', '-'];
    this.#converse = converse;
  }

  /** Tries each line. Not to be called again before it is done. Rejects with the signal's reason when it aborts. */
  async run(lines: readonly string[], signal: AbortSignal): Promise<BatchResult> {
    signal.throwIfAborted();
    clearTimeout(this.#resting);
    this.#process ??= this.#converse(this.#argv);
    const process = this.#process;
    const before = this.#given;
    this.#given += lines.length + 1;
    const stop = () => process.kill();
    signal.addEventListener('abort', stop, { once: true });
    const late = setTimeout(stop, timeout);
    try {
      process.write([...lines, endOfBatch, ''].join('\n'));
      const { said, ended } = await process.until(`Command failed -:${this.#given}\n`);
      signal.throwIfAborted();
      const result = readErrors(said, ended, before);
      // One that failed may know devices that are no more.
      if (ended || result.errors.length > 0) this.retire();
      return result;
    } catch (error) {
      this.retire();
      throw error;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      this.#resting = setTimeout(() => this.retire(), idle).unref();
    }
  }

  /** The next lines go to a new process: this one remembers the numbers of devices, which others may make anew. */
  retire(): void {
    this.#process?.end();
    this.#process = undefined;
    this.#given = 0;
  }
}

/** Pairs each "Command failed -:7" with the lines printed before it; what follows the last one ended the batch. */
export function readErrors(stderr: string, ended: boolean, before = 0): BatchResult {
  const errors = [];
  let said: string[] = [];
  const reason = () => said.join('; ').replace(/^(RTNETLINK answers|Error): |\.$/g, '');
  for (const text of stderr.split('\n')) {
    const [, line] = /^Command failed -:(\d+)/.exec(text) ?? [];
    if (line === undefined) {
      if (text.trim()) said.push(text.trim());
      continue;
    }
    errors.push({ line: Number(line) - before, reason: reason() });
    said = [];
  }
  if (!ended) errors.pop(); // the end of the batch
  return { errors, aborted: ended ? reason() || 'it ended' : undefined };
}

// Results go to stdout, progress to stderr; with --json stdout holds one JSON object and nothing else.
import { styleText } from 'node:util';

export interface Output {
  readonly json: boolean;
  /** A line of the result; not printed with --json. */
  line(text: string): void;
  /** The result as data; printed with --json only. */
  data(value: unknown): void;
  /** What is going on, on stderr, with the seconds since the start. */
  progress(text: string): void;
}

export function createOutput({ json }: { readonly json: boolean }): Output {
  const started = performance.now();
  return {
    json,
    line: text => {
      if (!json) process.stdout.write(`${text}\n`);
    },
    data: value => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    progress: text => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
      process.stderr.write(`${faint(`${seconds} s`)}  ${text}\n`);
    },
  };
}

function faint(text: string): string {
  return styleText('dim', text, { stream: process.stderr });
}

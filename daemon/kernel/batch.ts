// `ip -batch`: many changes by one process, and which of them failed.
import type { Runner } from '../../lib/run.ts';

/** How long a batch may take, in milliseconds. */
const timeout = 30_000;

export interface FailedLine {
  /** Counted from 0. */
  readonly line: number;
  readonly reason: string;
}

/** Tries each line. Rejects when `ip` cannot be started, or with the signal's reason when it aborts. */
export async function runBatch(
  runner: Runner,
  lines: readonly string[],
  signal: AbortSignal,
): Promise<readonly FailedLine[]> {
  const input = lines.map(line => `${line}\n`).join('');
  const argv = ['ip', '-force', '-batch', '-'] as const;
  const { stderr } = await runner.run([...argv], { input, signal, timeout, okCodes: [0, 1, 2] });
  return readErrors(stderr);
}

/** Pairs each "Command failed -:7" with the lines printed before it. */
export function readErrors(stderr: string): readonly FailedLine[] {
  const failed: FailedLine[] = [];
  let said: string[] = [];
  for (const text of stderr.split('\n')) {
    const [, line] = /^Command failed -:(\d+)/.exec(text) ?? [];
    if (line === undefined) {
      if (text.trim()) said.push(text.trim());
      continue;
    }
    const reason = said.join('; ').replace(/^(RTNETLINK answers|Error): |\.$/g, '');
    failed.push({ line: Number(line) - 1, reason });
    said = [];
  }
  return failed;
}

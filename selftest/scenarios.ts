// Runs scenarios in a process of vitest's own, against the daemon as it is or another one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScenarioName } from './mutants.ts';
import { root } from './mutation.ts';
import { namePattern, type TestReport } from './outcome.ts';

const vitest = join(root, 'node_modules/vitest/vitest.mjs');

/** What became of these scenarios; throws when vitest left no report. `folder` is where evidence goes. */
export async function runScenarios(
  names: readonly ScenarioName[],
  daemon: string,
  folder: string,
  signal: AbortSignal,
): Promise<readonly TestReport[]> {
  const report = join(folder, 'report.json');
  const projects = ['--root', root, '--project', 'scenarios', '--project', 'museum'];
  const only = ['-t', names.map(namePattern).join('|'), ...new Set(names.map(({ file }) => file))];
  const child = spawn(process.execPath, [vitest, 'run', ...projects, '--reporter=json', ...only], {
    cwd: folder,
    env: {
      ...process.env,
      DRIVER: 'netns',
      BACKEND: undefined,
      KEEP: undefined,
      // Whether it would have come right later is not asked.
      SLOW_OR_NEVER: '0',
      DAEMON: daemon,
      TEST_REPORT: report,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
    killSignal: 'SIGTERM',
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  await once(child, 'close');
  return reportsIn(await readFile(report, 'utf8').catch(() => ''), complaint);
}

function reportsIn(text: string, complaint: string): readonly TestReport[] {
  if (text === '') throw new Error(`vitest left no report: ${complaint.trim().slice(-500)}`);
  const { testResults } = JSON.parse(text) as {
    testResults: readonly { readonly assertionResults: readonly TestReport[] }[];
  };
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

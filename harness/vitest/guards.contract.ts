// Scenarios that would be falsely green, run for real: the fixture fails each of them, for its own reason.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { loadDriver } from '../drivers/index.ts';

const problems = await (await loadDriver('netns')).preflight();
const program = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const config = join(import.meta.dirname, 'fixtures/vitest.config.ts');

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

test('a scenario that shows nothing fails, and says why', async ({ skip }) => {
  if (problems.length > 0) skip(problems.map(({ what }) => what).join('; '));
  const folder = await mkdtemp(join(tmpdir(), 'guards-'));
  const report = join(folder, 'report.json');
  const env = { TEST_REPORT: report, DRIVER: '', BACKEND: '', DAEMON: 'ts', KEEP: '' };
  const unset = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value || undefined]));
  await execa(process.execPath, [program, 'run', '--config', config], {
    cwd: folder,
    env: unset,
    reject: false,
  });
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as Report;
  const said = testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ title, status, failureMessages }) => [
      title,
      status === 'passed' ? status : failureMessages.join('\n').split('\n')[0],
    ]),
  );
  expect(Object.fromEntries(said)).toEqual({
    'fails: checks nothing': expect.stringContaining('shows nothing: nothing was checked'),
    'fails: does not wait for its check': expect.stringContaining(
      'expectReachable() was called and not awaited',
    ),
    'fails: never asks what its watch saw': expect.stringContaining(
      'watchRoutes() was called, and its result never stopped',
    ),
    'passes: checks something': 'passed',
    'passes: says why it checks nothing': 'passed',
  });
  await rm(folder, { recursive: true });
});

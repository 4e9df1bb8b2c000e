// A vitest reporter: one table at the end that says what ran, what failed, what was skipped and why, and whether it may be.

import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';
import { table } from '../lib/table.ts';
import { notAllowed } from './may-skip.ts';

interface Row {
  readonly what: string;
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
  why: Set<string>;
}

export default class ClosingTable implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = new Map<string, Row>();
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0)
        rowOf(rows, module.project.name).failed++;
      for (const test of module.children.allTests()) count(rows, test);
    }
    process.stdout.write(`\n${render([...rows.values()])}\n`);
    // With -t, all others count as skipped.
    if (!this.#vitest?.config.testNamePattern) judgeSkipped(modules);
  }
}

/** In CI, a test that is skipped and not on the list of those that may be fails the run; elsewhere it is a warning. */
function judgeSkipped(modules: readonly TestModule[]): void {
  const tests = modules.flatMap(module => [...module.children.allTests('skipped')]);
  const wrong = notAllowed(tests.map(test => `${test.project.name}: ${test.fullName}`));
  if (wrong.length === 0) return;
  const isCi = Boolean(process.env.CI);
  const what = isCi
    ? 'FAILED: these tests may not be skipped'
    : 'warning: in CI, these tests may not be skipped';
  process.stdout.write(`\n${what} (ci/may-skip.ts):\n${wrong.map(name => `  ${name}\n`).join('')}`);
  if (isCi) process.exitCode = 1;
}

function count(rows: Map<string, Row>, test: TestCase): void {
  const platform = test.parent.type === 'suite' ? outermost(test) : '';
  const [name = '', reason] = platform.split(' skipped: ');
  const project = test.project.name;
  const row = rowOf(rows, project === 'scenarios' ? `scenarios ${name}`.trim() : project);
  const { state } = test.result();
  if (state === 'passed') row.passed++;
  else if (state === 'failed') row.failed++;
  else row.skipped++;
  row.seconds += (test.diagnostic()?.duration ?? 0) / 1000;
  if (state === 'skipped') row.why.add(reason ?? noteOf(test) ?? 'skipped in the source');
}

function rowOf(rows: Map<string, Row>, what: string): Row {
  const row = rows.get(what) ?? { what, passed: 0, failed: 0, skipped: 0, seconds: 0, why: new Set() };
  rows.set(what, row);
  return row;
}

/** The name of the outermost describe block around a test. */
function outermost(test: TestCase): string {
  let name = '';
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) name = parent.name;
  return name;
}

/** What the test said when it skipped itself: `skip('reason')`. */
function noteOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === 'skipped' ? result.note : undefined;
}

function render(rows: readonly Row[]): string {
  return table([
    ['WHAT', 'PASSED', 'FAILED', 'SKIPPED', 'SECONDS', ''],
    ...rows.map(row => [
      row.what,
      String(row.passed),
      String(row.failed),
      String(row.skipped),
      row.seconds.toFixed(1),
      row.why.size > 0 ? `skipped: ${[...row.why].join('; ')}` : '',
    ]),
  ]);
}

// Four projects: `unit` runs anywhere in seconds; `contract` holds real etcd, kernel and drivers to the same
// promises as their fakes; `scenarios` brings up real clusters, and `museum` does so for known bugs.
import { defineConfig } from 'vitest/config';
import LongestFirst from './ci/longest-first.ts';

/** Of tests with real programs, which wait for them as much as they compute: one pool for all of these. */
const real = {
  pool: 'forks',
  maxWorkers: 3,
  sequence: { groupOrder: 1 },
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // A state that a test asks for may take that long to come about, on a machine that is busy with others.
  expect: { poll: { timeout: 10_000 } },
} as const;

/** Where the report goes, for those who run several at once. */
const outputFile = process.env.TEST_REPORT ?? '.reports/vitest.json';

export default defineConfig({
  test: {
    reporters: [
      'default',
      ['json', { outputFile }],
      ['junit', { outputFile: '.reports/junit.xml' }],
      './ci/closing-table.ts',
    ],
    retry: 0,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{daemon,harness,lib,ci,bench,selftest}/**/*.test.ts'],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          ...real,
          name: 'contract',
          include: ['{daemon,harness,lib,ci,selftest}/**/*.contract.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { test: { ...real, name: 'scenarios', include: ['scenarios/*.scenario.ts'] } },
      { test: { ...real, name: 'museum', include: ['scenarios/museum/*.scenario.ts'] } },
    ],
  },
});

// Four projects: `unit` runs anywhere in seconds; `contract` holds real etcd, kernel and drivers to the same
// promises as their fakes; `scenarios` brings up real clusters, and `museum` does so for known bugs.
import { defineConfig } from 'vitest/config';

/** What real programs get to bring about a state that a test asks for, on a machine that is busy with others. */
const expectSoon = { poll: { timeout: 10_000 } };

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
          name: 'contract',
          include: ['{daemon,harness,lib,ci,selftest}/**/*.contract.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectSoon,
          // Most of them wait for an endpoint to be given up.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'scenarios',
          include: ['scenarios/*.scenario.ts'],
          pool: 'forks',
          // They wait for programs to start as much as they compute.
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: expectSoon,
        },
      },
      {
        test: {
          name: 'museum',
          include: ['scenarios/museum/*.scenario.ts'],
          pool: 'forks',
          // Most of them wait for a lease to end or for etcd to be missed.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: expectSoon,
        },
      },
    ],
  },
});

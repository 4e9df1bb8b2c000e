// The watch of a scenario's cluster: whether it has one, and what it found when the test is over.
import type { TestContext } from 'vitest';
import type { Cluster } from '../cluster.ts';
import { failureLines, type WatchReport } from '../watch/report.ts';
import type { WatchSpec } from '../watch/watch-spec.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Figures of a scenario that was watched. */
    watch?: Pick<WatchReport, 'probes' | 'disturbances' | 'usage'>;
  }
}

/** WATCH=0 runs scenarios unwatched, to see what the watch costs; those that count probes fail then. */
const unwatched = process.env.WATCH === '0';

/** How a scenario that says this is watched; undefined: not at all. */
export function watchOf(said: WatchSpec | false = {}): WatchSpec | undefined {
  return unwatched || !said ? undefined : said;
}

/**
 * What did not hold that must, as an error to be thrown. Of a test that has failed already it becomes a part of that
 * test's error. Figures go where reporters find them.
 */
export async function endWatch(cluster: Cluster, task: TestContext['task']): Promise<Error | undefined> {
  if (!cluster.watch.wasStarted) return undefined;
  const report = await cluster.watch.end();
  const { probes, disturbances, usage } = report;
  task.meta.watch = { probes, disturbances, usage };
  const lines = failureLines(report, cluster.journal.happenings);
  if (lines.length === 0) return undefined;
  const message = `what must hold all the time did not:\n${lines.join('\n')}`;
  const [earlier] = task.result?.errors ?? [];
  if (!earlier) return new Error(message);
  earlier.message += `\n${message}`;
  return undefined;
}

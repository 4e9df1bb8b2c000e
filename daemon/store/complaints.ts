// Says once about each unreadable record what is wrong with it, however often it is read.
import type { Logger } from '../../lib/log.ts';
import type { Unreadable } from './lease-store.ts';

/** Records remembered; beyond them the oldest is forgotten, and complained about again when it is still there. */
const remembered = 1000;

/** A function that logs one warning for each version of a record. `folder` is the key in front of its name. */
export function createComplaints(
  folder: string,
  log: Logger,
): (record: Unreadable, revision: number) => void {
  const said = new Map<string, number>();
  return ({ key, problem }, revision) => {
    if (said.get(key) === revision) return;
    said.delete(key);
    said.set(key, revision);
    const [oldest] = said.keys();
    if (said.size > remembered && oldest !== undefined) said.delete(oldest);
    log.warn('skipped a record that is not a lease', { key: folder + key, problem });
  };
}

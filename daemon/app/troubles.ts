// Says once about each thing that cannot be programmed why not, and once more when it could be.
import type { Logger } from '../../lib/log.ts';
import type { Failure } from '../kernel/kernel.ts';
import type { Plan } from '../model/diff.ts';
import { entryKey, entryText } from '../model/net-state.ts';
import { few } from './few.ts';

/** A function to call after each pass with everything that is wrong at that moment. */
export function createTroubles(
  log: Logger,
): (failures: readonly Failure[], conflicts: Plan['conflicts']) => void {
  let before = new Map<string, string>();
  return (failures, conflicts) => {
    const now = new Map<string, string>();
    for (const { op, reason } of failures) now.set(`${op.verb} ${entryKey(op.entry)}`, reason);
    for (const { wanted, present } of conflicts)
      now.set(`put ${entryKey(wanted)}`, `${entryText(present)} is in its place and not ours to remove`);
    const fresh = [...now].filter(([what, reason]) => before.get(what) !== reason);
    for (const line of few(fresh.map(([what, reason]) => `${what}: ${reason}`)))
      log.error(`cannot ${line}; trying on`);
    const mended = [...before.keys()].filter(what => !now.has(what));
    if (mended.length > 0) log.info('no longer failing', { what: few(mended).join(', ') });
    before = now;
  };
}

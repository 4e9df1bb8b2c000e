// Says once about each thing that cannot be programmed why not, and once more when it could be.
import type { Logger } from '../../lib/log.ts';
import type { Failure } from '../kernel/kernel.ts';
import type { Plan } from '../model/diff.ts';
import { entryKey, entryText } from '../model/net-state.ts';

/** More new troubles than this at one time are counted, not listed. */
const listed = 8;

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
    for (const [what, reason] of fresh.slice(0, listed)) log.error(`cannot ${what}, trying on`, { reason });
    if (fresh.length > listed) log.error('and more of the kind', { failures: fresh.length - listed });
    const mended = [...before.keys()].filter(what => !now.has(what));
    if (mended.length > 0) log.info('no longer failing', { what: mended.slice(0, listed).join(', ') });
    before = now;
  };
}

// lab heal mends what lab fault has broken.
import { describeError, UsageError, UserError } from '../../../lib/errors.ts';
import { mend } from '../../faults/faults.ts';
import { forgetFault, type StandingFault, standingFaults } from '../../faults/standing-faults.ts';
import { clusterFromFlags, nameFlag } from '../cluster-flags.ts';
import type { Command } from '../command.ts';
import { describeFault, faultTable } from './fault.ts';

export const heal: Command = {
  name: 'heal',
  summary: 'mend what `fault` has broken',
  operands: '[<id> …]',
  flags: {
    ...nameFlag,
    all: { type: 'boolean', help: 'everything; without it or an id, the only fault there is' },
  },

  async run({ args, out, signal }) {
    const cluster = await clusterFromFlags(args, signal);
    await using _store = cluster.store;
    const { name } = cluster.spec;
    const faults = await standingFaults(name);
    const healed: StandingFault[] = [];
    const complaints: string[] = [];
    for (const fault of chosen(faults, args.operands, args.on('all'), name).toReversed()) {
      try {
        await mend(cluster.scene, fault);
        await forgetFault(name, fault.id);
        healed.push(fault);
        out.line(`healed ${fault.id}: ${fault.what}`);
      } catch (error) {
        signal.throwIfAborted();
        complaints.push(`fault ${fault.id} (${fault.what}) is not mended: ${describeError(error)}`);
      }
    }
    out.data({ healed: healed.map(describeFault) });
    if (faults.length === 0) out.line(`nothing of cluster ${name} is broken`);
    if (complaints.length > 0) throw new UserError(complaints.join('\n'));
    return 0;
  },
};

/** In the order in which they were made; what came last is mended first. */
function chosen(
  faults: readonly StandingFault[],
  ids: readonly string[],
  all: boolean,
  cluster: string,
): readonly StandingFault[] {
  const unknown = ids.find(id => !faults.some(fault => String(fault.id) === id));
  if (unknown !== undefined) {
    const known = faults.map(({ id }) => id).join(', ');
    throw new UsageError(`cluster ${cluster} has no fault ${unknown}`, {
      hint: known ? `in force: ${known}` : 'none is in force',
    });
  }
  if (ids.length > 0) return faults.filter(fault => ids.includes(String(fault.id)));
  if (all || faults.length <= 1) return faults;
  throw new UsageError('say which, or --all', { hint: faultTable(faults).replaceAll('\n', '\n  ') });
}

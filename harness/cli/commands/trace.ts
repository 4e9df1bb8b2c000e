// lab trace: whether one container reaches another, and if not, where on the way its packets get lost, and why.
import { UsageError } from '../../../lib/errors.ts';
import { Tracer } from '../../trace/trace.ts';
import { verdictLine } from '../../trace/verdict.ts';
import { clusterFromFlags, nameFlag } from '../cluster-flags.ts';
import type { Command } from '../command.ts';

export const trace: Command = {
  name: 'trace',
  summary: 'say where packets from one container to another get lost, and why',
  operands: '<node>/<container> <node>/<container>',
  flags: nameFlag,

  async run({ args, out, signal }) {
    const [first, second, ...more] = args.operands;
    if (!first || !second || more.length > 0) {
      throw new UsageError('say from which container to which', { hint: 'lab trace node1/a node2/a' });
    }
    const cluster = await clusterFromFlags(args, signal);
    await using _store = cluster.store;
    const [from, to] = [first, second].map(name => {
      const found = cluster.workloads.find(workload => workload.name === name);
      if (found) return found;
      const hint = `one of ${cluster.workloads.map(workload => workload.name).join(', ')}`;
      throw new UsageError(`cluster ${cluster.spec.name} has no container ${name}`, { hint });
    });
    if (!from || !to || from === to) throw new UsageError(`${first} is at both ends`);
    await using tracer = new Tracer(cluster.traceable);
    const verdict = await tracer.trace(from, to);
    out.data({ ok: verdict.outcome === 'reached', line: verdictLine(verdict), ...verdict });
    out.line(verdictLine(verdict));
    for (const remark of verdict.remarks) out.line(`  ${remark}`);
    return verdict.outcome === 'reached' ? 0 : 1;
  },
};

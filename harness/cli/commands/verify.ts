// lab verify: a cluster comes up, is checked and goes away again.

import { table } from '../../../lib/table.ts';
import { renderMatrix } from '../../checks/reachability.ts';
import { reportUrl } from '../../evidence/evidence.ts';
import { type NodeReport, verify as verifyCluster } from '../../verify.ts';
import { specFlags, specFromFlags } from '../cluster-flags.ts';
import type { Command } from '../command.ts';

export const verify: Command = {
  name: 'verify',
  summary: 'bring a cluster up, check subnets and pings, take it down (the default)',
  flags: specFlags,

  async run({ args, out, signal }) {
    const spec = await specFromFlags(args, { keep: false, name: `verify-${process.pid}` });
    out.progress(`${spec.nodes} nodes, ${spec.config.Backend.Type}, driver ${spec.driver}`);
    const { verdict, matrix } = await verifyCluster(spec, signal, out.progress);
    out.data(verdict);
    if (verdict.nodes.length > 0) out.line(`\n${nodeTable(verdict.nodes)}`);
    if (matrix.length > 0) out.line(`\n${renderMatrix(matrix)}`);
    out.line('');
    for (const failure of verdict.failures ?? []) out.line(`failed: ${failure}`);
    if (verdict.evidence) {
      out.line(`evidence:  ${verdict.evidence}`);
      out.line(`report:    ${reportUrl(verdict.evidence)}`);
      out.line(`reproduce: ${verdict.reproduce}`);
    }
    const { up, verify, down, total } = verdict.seconds;
    const { pairs, failed } = verdict.pings;
    const outcome = verdict.ok ? 'ok' : 'FAILED';
    out.line(
      `${outcome}: ${pairs - failed} of ${pairs} pings, ${total} s (up ${up}, check ${verify}, down ${down})`,
    );
    return verdict.ok ? 0 : 1;
  },
};

function nodeTable(nodes: readonly NodeReport[]): string {
  const rows = nodes.map(({ name, daemon, lease, docker0, mtu }) =>
    [name, daemon, lease, docker0, mtu].map(value => String(value ?? '-')),
  );
  return table([['NODE', 'DAEMON', 'LEASE', 'DOCKER0', 'MTU'], ...rows]);
}

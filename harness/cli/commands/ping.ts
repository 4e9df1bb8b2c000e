// lab ping: which container reaches which, now.
import { allPairs, renderMatrix, sweep, wrongCells } from '../../checks/reachability.ts';
import { clusterFromFlags, nameFlag } from '../cluster-flags.ts';
import type { Command } from '../command.ts';

export const ping: Command = {
  name: 'ping',
  summary: 'show which container reaches which',
  flags: nameFlag,

  async run({ args, out, signal }) {
    const cluster = await clusterFromFlags(args, signal);
    await using _store = cluster.store;
    const matrix = await sweep(cluster.workloads, allPairs);
    const failed = wrongCells(matrix);
    out.data({ ok: failed.length === 0, pairs: matrix.length, failed: failed.length, matrix });
    out.line(renderMatrix(matrix));
    out.line(`\n${matrix.length - failed.length} of ${matrix.length} pings`);
    return failed.length === 0 ? 0 : 1;
  },
};

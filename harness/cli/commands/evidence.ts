// lab evidence: everything there is to see of a cluster, in one folder with a page about it.
import { Evidence } from '../../evidence/evidence.ts';
import { clusterFromFlags, nameFlag } from '../cluster-flags.ts';
import type { Command } from '../command.ts';

export const evidence: Command = {
  name: 'evidence',
  summary: 'collect logs, keys and the state of all nodes in a folder, with a report to look at',
  flags: nameFlag,

  async run({ args, out, signal }) {
    const cluster = await clusterFromFlags(args, signal);
    await using _store = cluster.store;
    // Once is enough to say who does not reach whom, and why.
    const failure = await cluster.expectReachable({ timeout: 0 }).then(
      () => undefined,
      error => error,
    );
    signal.throwIfAborted();
    const title = `cluster ${cluster.spec.name}`;
    const { folder, lines } = await Evidence.collect(cluster, failure, { title });
    out.data({ ok: failure === undefined, evidence: folder });
    out.line(lines);
    return 0;
  },
};

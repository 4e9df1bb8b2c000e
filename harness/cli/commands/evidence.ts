// lab evidence: everything there is to see of a cluster, in one folder with a page about it.
import { Evidence, reportUrl } from '../../evidence/evidence.ts';
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
    const { folder } = await Evidence.collect(cluster, failure, { title: `cluster ${cluster.spec.name}` });
    out.data({ ok: failure === undefined, evidence: folder });
    out.line(`evidence:  ${folder}\nreport:    ${reportUrl(folder)}`);
    return 0;
  },
};

// lab logs: what the daemons and etcd have printed.
import { UsageError } from '../../../lib/errors.ts';
import { lastLines } from '../../node-state.ts';
import { clusterFromFlags, nameFlag } from '../cluster-flags.ts';
import type { Command } from '../command.ts';

export const logs: Command = {
  name: 'logs',
  summary: 'print the log of a daemon, of etcd, or of all',
  operands: '[<node>|etcd|etcd2]',
  flags: {
    ...nameFlag,
    lines: { type: 'string', value: 'N', help: 'only the last N lines of each; default all' },
  },

  async run({ args, out, signal }) {
    const cluster = await clusterFromFlags(args, signal);
    await using _store = cluster.store;
    const sources = [
      ...cluster.etcd.map(member => ({ name: member.name, read: () => member.logs() })),
      ...cluster.nodes.map(node => ({ name: node.name, read: () => node.daemon.logs() })),
    ];
    const [wanted] = args.operands;
    const members = cluster.etcd.map(({ name }) => name);
    const chosen = sources.filter(({ name }) =>
      wanted === undefined ? !members.includes(name) : name === wanted,
    );
    if (chosen.length === 0) {
      throw new UsageError(`cluster ${cluster.spec.name} has no ${wanted}`, {
        hint: `one of ${sources.map(source => source.name).join(', ')}`,
      });
    }
    const count = args.number('lines') ?? Number.POSITIVE_INFINITY;
    const texts = await Promise.all(
      chosen.map(async ({ name, read }) => ({ name, text: lastLines(await read(), count) })),
    );
    out.data(Object.fromEntries(texts.map(({ name, text }) => [name, text.split('\n')])));
    const prefix = chosen.length > 1;
    for (const { name, text } of texts) out.line(prefix ? text.replaceAll(/^/gm, `${name}  `) : text);
    return 0;
  },
};

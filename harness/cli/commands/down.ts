// lab down removes a cluster; lab gc removes what clusters left behind whose makers are gone.
import { UsageError } from '../../../lib/errors.ts';
import { abandoned, removeCluster } from '../../janitor.ts';
import { allRecords } from '../../registry.ts';
import { nameFlag } from '../cluster-flags.ts';
import type { Command } from '../command.ts';

export const down: Command = {
  name: 'down',
  summary: 'take a cluster down',
  flags: { ...nameFlag, all: { type: 'boolean', help: 'every cluster of this machine' } },

  async run({ args, out }) {
    const known = (await allRecords()).map(record => record.spec.name);
    const names = args.on('all') ? known : [args.text('name') ?? 'lab'];
    const removed = (await Promise.all(names.map(removeCluster))).filter(name => name !== undefined);
    if (removed.length === 0 && !args.on('all')) {
      throw new UsageError(`there is no cluster named ${names[0]}`, {
        hint: known.length > 0 ? `clusters: ${known.join(', ')}` : 'npm run lab -- ls',
      });
    }
    out.data({ removed });
    out.line(removed.length > 0 ? `removed ${removed.join(', ')}` : 'no clusters');
    return 0;
  },
};

export const gc: Command = {
  name: 'gc',
  summary: 'remove what dead runs left behind',
  flags: {},

  async run({ out }) {
    const leftovers = await abandoned();
    for (const leftover of leftovers) await leftover.remove();
    out.data({ removed: leftovers.map(({ cluster, what }) => ({ cluster, what })) });
    for (const { cluster, what } of leftovers) out.line(`removed ${cluster}: ${what}`);
    if (leftovers.length === 0) out.line('nothing left behind');
    return 0;
  },
};

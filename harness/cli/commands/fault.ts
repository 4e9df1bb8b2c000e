// lab fault breaks something of a cluster on purpose, and lists what can be broken and what is.
import { nearest, UsageError } from '../../../lib/errors.ts';
import { table } from '../../../lib/table.ts';
import { begin } from '../../faults/faults.ts';
import { type KindName, kinds, wordOf } from '../../faults/kinds.ts';
import { forgetFault, noteFault, type StandingFault, standingFaults } from '../../faults/standing-faults.ts';
import { Words } from '../../faults/words.ts';
import { findRecord } from '../../registry.ts';
import { clusterFromFlags, nameFlag } from '../cluster-flags.ts';
import type { Command, Context } from '../command.ts';

const names = Object.keys(kinds) as KindName[];

export const fault: Command = {
  name: 'fault',
  summary: 'break something on purpose until `heal`; alone, list what can be broken and what is',
  operands: '[<kind> <operands> …]',
  flags: nameFlag,

  async run(context) {
    const [word, ...operands] = context.args.operands;
    if (word === undefined) return list(context);
    const kind = kindOf(word);
    const cluster = await clusterFromFlags(context.args, context.signal);
    await using _store = cluster.store;
    const { name } = cluster.spec;
    const members = cluster.etcd.map(member => member.name);
    const words = new Words(operands, { nodes: cluster.nodes, members }, `lab fault ${usage(kind)}`);
    const args = kinds[kind].read(words);
    words.end();
    let noted: StandingFault | undefined;
    try {
      await begin(cluster.scene, kind, args, async recipe => {
        noted = await noteFault(name, recipe);
      });
    } catch (error) {
      if (noted) await forgetFault(name, noted.id);
      throw error;
    }
    const [done] = cluster.journal.happenings;
    const what = done?.what ?? '';
    context.out.data({ id: noted?.id ?? null, kind: word, what });
    if (noted) context.out.line(`${what}\n  npm run lab -- heal${named(name)} ${noted.id}`);
    else context.out.line(`${what}; that happens once, and there is nothing to heal`);
    return 0;
  },
};

async function list({ args, out }: Context): Promise<number> {
  const name = args.text('name') ?? 'lab';
  const exists = (await findRecord(name)) !== undefined;
  const faults = exists ? await standingFaults(name) : [];
  out.data({
    kinds: names.map(kind => {
      const { operands, help } = kinds[kind];
      return { kind: wordOf(kind), operands, once: 'act' in kinds[kind], help };
    }),
    faults: faults.map(describeFault),
  });
  const rows = names.map(kind => [
    `  ${usage(kind)}`,
    `${kinds[kind].help}${'act' in kinds[kind] ? ' (once)' : ''}`,
  ]);
  out.line(`${table(rows)}\n`);
  if (faults.length === 0)
    out.line(exists ? `nothing of cluster ${name} is broken` : `there is no cluster named ${name}`);
  else out.line(faultTable(faults));
  return 0;
}

export function faultTable(faults: readonly StandingFault[]): string {
  return table([['ID', 'SINCE', 'WHAT'], ...faults.map(({ id, since, what }) => [String(id), since, what])]);
}

/** The shape of a fault with --json. */
export function describeFault({ id, kind, what, since }: StandingFault) {
  return { id, kind: wordOf(kind), what, since };
}

function kindOf(word: string): KindName {
  const found = names.find(name => wordOf(name) === word);
  if (found) return found;
  const guess = nearest(word, names.map(wordOf));
  throw new UsageError(`unknown fault ${JSON.stringify(word)}${guess ? `, did you mean ${guess}?` : ''}`, {
    hint: 'lab fault   # lists all kinds',
  });
}

function usage(kind: KindName): string {
  return `${wordOf(kind)} ${kinds[kind].operands}`.trimEnd();
}

function named(cluster: string): string {
  return cluster === 'lab' ? '' : ` --name ${cluster}`;
}

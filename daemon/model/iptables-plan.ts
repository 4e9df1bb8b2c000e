// What to feed to iptables-restore so that our rules are there, in order, alone and not shadowed.
import { isFormer } from './former-rules.ts';
import type { RuleSet } from './iptables-sets.ts';
import { type ChainName, mayDrop, type SavedTable, type SavedTables, targetOf } from './saved-rules.ts';

/**
 * The input for `iptables-restore --noflush` that turns what is there into what is wanted; undefined when there is
 * nothing to do. Everything that is not ours is left alone.
 */
export function planRules(wanted: readonly RuleSet[], saved: SavedTables): string | undefined {
  const blocks = wanted.flatMap(set => {
    const table: SavedTable = saved.get(set.table) ?? new Map();
    const lines = set.rules ? put(set, set.rules, table) : remove(set, table);
    return lines.length > 0 ? [`*${set.table}\n${lines.join('\n')}\nCOMMIT\n`] : [];
  });
  return blocks.length > 0 ? blocks.join('') : undefined;
}

function put(set: RuleSet, rules: readonly string[], table: SavedTable): string[] {
  const { chain, hook, comment } = set;
  const present = table.get(chain)?.rules;
  const isFilled = present !== undefined && present.join('\n') === rules.join('\n');
  const fill = isFilled ? [] : [`:${chain} - [0:0]`, ...rules.map(rule => `-A ${chain} ${rule}`)];
  const jump = `-m comment --comment "${comment}" -j ${chain}`;
  const { jumps, former, others } = sortOut(set, table);
  const drop = (lines: readonly string[]) => lines.map(line => `-D ${hook} ${line}`);
  if (jumps.length === 1 && jumps[0] === jump && !isShadowed(set, table)) return [...fill, ...drop(former)];
  return [...fill, ...drop([...former, ...jumps]), `-I ${hook} ${place(set, others)} ${jump}`];
}

function remove(set: RuleSet, table: SavedTable): string[] {
  const { chain, hook } = set;
  const { jumps, former } = sortOut(set, table);
  const lines = [...former, ...jumps].map(line => `-D ${hook} ${line}`);
  return table.has(chain) ? [...lines, `-F ${chain}`, `-X ${chain}`] : lines;
}

/** The rules of the built-in chain: jumps to ours, flannel's own of earlier versions, and everybody else's. */
function sortOut(set: RuleSet, table: SavedTable) {
  const lines = table.get(set.hook)?.rules ?? [];
  const jumps = lines.filter(line => targetOf(line) === set.chain);
  const former = lines.filter(line => targetOf(line) !== set.chain && isFormer(set, line));
  const others = lines.filter(line => !jumps.includes(line) && !former.includes(line));
  return { jumps, former, others };
}

/** The chain in which Docker's users refuse what they do not want forwarded: theirs goes first. */
const usersChain: ChainName = 'DOCKER-USER';

/** Whether something in front of our jump may drop what we accept. Address translation in front is left to others. */
function isShadowed({ hook, chain }: RuleSet, table: SavedTable): boolean {
  if (hook !== 'FORWARD') return false;
  const lines = table.get(hook)?.rules ?? [];
  const inFront = lines.slice(
    0,
    lines.findIndex(line => targetOf(line) === chain),
  );
  return inFront.some(line => targetOf(line) !== usersChain && mayDrop(line, table));
}

function place({ hook }: RuleSet, others: readonly string[]): number {
  return hook === 'FORWARD' && targetOf(others[0] ?? '') === usersChain ? 2 : 1;
}

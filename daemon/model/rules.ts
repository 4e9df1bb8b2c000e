// Our iptables rules, and what to feed to iptables-restore so that they are there, in order and not shadowed.
import { type Cidr, formatCidr } from '../../lib/ip.ts';
import { type ChainName, mayDrop, parseSaved, type SavedTable, targetOf } from './saved-rules.ts';

/** A chain of ours and the jump to it, in the words of iptables-save. */
export interface RuleSet {
  readonly table: 'filter' | 'nat';
  readonly chain: ChainName;
  /** The built-in chain that jumps to ours. */
  readonly hook: 'FORWARD' | 'POSTROUTING';
  readonly comment: string;
  /** Matches and targets in order; undefined when neither chain nor jump should exist. */
  readonly rules: readonly Rule[] | undefined;
}

export interface Rule {
  readonly match: string;
  readonly target: string;
}

/** Accepts what is forwarded from and to the network, whatever the policy of FORWARD is. */
export function forwardRules(network: Cidr, wanted: boolean): RuleSet {
  const n = formatCidr(network);
  const rules = [
    { match: `-s ${n}`, target: 'ACCEPT' },
    { match: `-d ${n}`, target: 'ACCEPT' },
  ];
  return {
    table: 'filter',
    chain: 'FLANNEL-FWD',
    hook: 'FORWARD',
    comment: 'flanneld forward',
    rules: wanted ? rules : undefined,
  };
}

export interface Masquerading {
  readonly network: Cidr;
  readonly subnet: Cidr;
  readonly wanted: boolean;
  /** Whether iptables can choose source ports fully at random. */
  readonly randomFully: boolean;
}

/** Masquerades what leaves the network, and what comes into it from nodes whose address it could not answer to. */
export function masqueradeRules({ network, subnet, wanted, randomFully }: Masquerading): RuleSet {
  const n = formatCidr(network);
  const s = formatCidr(subnet);
  const masquerade = randomFully ? 'MASQUERADE --random-fully' : 'MASQUERADE';
  const rules = [
    // Marked by kube-proxy, which masquerades these itself.
    { match: '-m mark --mark 0x4000/0x4000', target: 'RETURN' },
    { match: `-s ${s} -d ${n}`, target: 'RETURN' },
    { match: `-s ${n} -d ${s}`, target: 'RETURN' },
    { match: `! -s ${n} -d ${s}`, target: 'RETURN' },
    { match: `-s ${n} ! -d 224.0.0.0/4`, target: masquerade },
    { match: `! -s ${n} -d ${n}`, target: masquerade },
  ];
  return {
    table: 'nat',
    chain: 'FLANNEL-POSTRTG',
    hook: 'POSTROUTING',
    comment: 'flanneld masq',
    rules: wanted ? rules : undefined,
  };
}

/**
 * The input for `iptables-restore --noflush` that turns what `iptables-save` printed into what is wanted; undefined
 * when there is nothing to do. Everything that is not ours is left alone.
 */
export function planRules(wanted: readonly RuleSet[], saved: string): string | undefined {
  const tables = parseSaved(saved);
  const blocks = wanted.flatMap(set => {
    const table: SavedTable = tables.get(set.table) ?? new Map();
    const lines = set.rules ? put(set, set.rules, table) : remove(set, table);
    return lines.length > 0 ? [`*${set.table}\n${lines.join('\n')}\nCOMMIT\n`] : [];
  });
  return blocks.length > 0 ? blocks.join('') : undefined;
}

function put(set: RuleSet, rules: readonly Rule[], table: SavedTable): string[] {
  const { chain, hook } = set;
  const lines = rules.map(({ match, target }) => ruleText(set, match, target));
  const present = table.get(chain);
  const isFilled = present !== undefined && present.join('\n') === lines.join('\n');
  const fill = isFilled ? [] : [`:${chain} - [0:0]`, ...lines.map(line => `-A ${chain} ${line}`)];
  const jump = ruleText(set, '', chain);
  const before = table.get(hook) ?? [];
  const jumps = jumpsTo(chain, before);
  if (jumps.length === 1 && jumps[0] === jump && !isShadowed(set, before, table)) return fill;
  return [...fill, ...jumps.map(line => `-D ${hook} ${line}`), `-I ${hook} ${place(set, before)} ${jump}`];
}

function remove({ chain, hook }: RuleSet, table: SavedTable): string[] {
  const jumps = jumpsTo(chain, table.get(hook) ?? []).map(line => `-D ${hook} ${line}`);
  return table.has(chain) ? [...jumps, `-F ${chain}`, `-X ${chain}`] : jumps;
}

function ruleText({ comment }: RuleSet, match: string, target: string): string {
  return `${match} -m comment --comment "${comment}" -j ${target}`.trimStart();
}

function jumpsTo(chain: ChainName, lines: readonly string[]): string[] {
  return lines.filter(line => targetOf(line) === chain);
}

/** The chain in which Docker's users refuse what they do not want forwarded: theirs goes first. */
const usersChain = 'DOCKER-USER';

/** Whether something in front of our jump may drop what we accept. Address translation in front is left to others. */
function isShadowed({ hook, chain }: RuleSet, lines: readonly string[], table: SavedTable): boolean {
  if (hook !== 'FORWARD') return false;
  const inFront = lines.slice(
    0,
    lines.findIndex(line => targetOf(line) === chain),
  );
  return inFront.some(line => targetOf(line) !== usersChain && mayDrop(line, table));
}

function place({ hook }: RuleSet, lines: readonly string[]): number {
  return hook === 'FORWARD' && targetOf(lines[0] ?? '') === usersChain ? 2 : 1;
}

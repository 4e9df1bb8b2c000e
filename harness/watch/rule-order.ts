// Flannel's packet filter rules in their order: each before those that would overrule it, and reached before what drops.
import { type Cidr, parseCidr, sameCidr } from '../../lib/ip.ts';
import { type PlacedRule, placedRules } from './rules.ts';

/** What is exempted comes before what is masqueraded; N: the network, S: the subnet, X: another prefix, !: outside of it. */
const documented: readonly string[] = [
  'N>* accept',
  '*>N accept',
  'mark return',
  'S>N return',
  'N>S return',
  '!N>S return',
  'N>!X masquerade',
  '!N>N masquerade',
];

/** One sentence for each chain that is not in order. `text`: as for `ruleProblems`. Pure. */
export function orderProblems(text: string, network: Cidr, subnet: Cidr): readonly string[] {
  const chains = Map.groupBy(placedRules(text), chainOf);
  return [...chains].flatMap(([chain, rules]) => [
    ...(/FLANNEL|flannel/.test(chain) ? outOfOrder(chain, rules, network, subnet) : []),
    ...(/^ip6?tables filter FORWARD$/.test(chain) ? shadowed(chain, rules, chains) : []),
  ]);
}

/** Of nftables, the place has it already. */
function chainOf({ place, text }: PlacedRule): string {
  const [first, chain = ''] = text.split(' ');
  return first === '-A' ? `${place} ${chain}` : place;
}

function outOfOrder(
  chain: string,
  rules: readonly PlacedRule[],
  network: Cidr,
  subnet: Cidr,
): readonly string[] {
  const known = rules.flatMap(({ text }) => {
    const rank = documented.indexOf(kindOf(text, network, subnet));
    return rank < 0 ? [] : [{ text, rank }];
  });
  const late = known.findIndex(({ rank }, index) => rank < (known[index - 1]?.rank ?? rank));
  if (late < 0) return [];
  return [`in ${chain} this rule comes too late: ${known[late]?.text}`];
}

/** As `documented` spells it. */
function kindOf(rule: string, network: Cidr, subnet: Cidr): string {
  const verdict = /\b(accept|return|masquerade)\b/i.exec(rule.replace(/comment "[^"]*"/g, ''))?.[1];
  if (/\bmark\b/.test(rule)) return `mark ${verdict?.toLowerCase()}`;
  const side = (pattern: RegExp) => {
    const [, before = '', after = '', text = ''] = pattern.exec(rule) ?? [];
    const prefix = parseCidr(text);
    if (!prefix) return '*';
    const name = sameCidr(prefix, network) ? 'N' : sameCidr(prefix, subnet) ? 'S' : 'X';
    return before || after ? `!${name}` : name;
  };
  const from = side(/(! )?(?:-s|ip6? saddr) (!= )?(\S+)/);
  const to = side(/(! )?(?:-d|ip6? daddr) (!= )?(\S+)/);
  return `${from}>${to} ${verdict?.toLowerCase()}`;
}

/** Rules in front of the jump that may drop; Docker lets its users refuse first. */
function shadowed(
  chain: string,
  rules: readonly PlacedRule[],
  chains: ReadonlyMap<string, readonly PlacedRule[]>,
): readonly string[] {
  const jump = rules.findIndex(({ text }) => targetOf(text) === 'FLANNEL-FWD');
  const table = chain.slice(0, chain.lastIndexOf(' '));
  const mayDrop = ({ text }: PlacedRule, met: readonly string[] = []): boolean => {
    const target = targetOf(text);
    if (target === 'DROP' || target === 'REJECT') return true;
    if (target === 'DOCKER-USER' || met.includes(target)) return false;
    return (chains.get(`${table} ${target}`) ?? []).some(inner => mayDrop(inner, [...met, target]));
  };
  return rules
    .slice(0, Math.max(jump, 0))
    .filter(rule => mayDrop(rule))
    .map(({ text }) => `this rule may drop, and comes before the jump to FLANNEL-FWD: ${chain}: ${text}`);
}

function targetOf(rule: string): string {
  return / -[jg] (\S+)/.exec(rule.replace(/"[^"]*"/g, ''))?.[1] ?? '';
}

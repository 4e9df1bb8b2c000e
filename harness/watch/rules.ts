// Flannel's packet filter rules: each once, and none of a subnet that the node no longer has.
import { type Cidr, contains, formatCidr, parseCidr, sameCidr } from '../../lib/ip.ts';

/** A rule and where it is. */
export interface PlacedRule {
  /** Tool, table and chain. */
  readonly place: string;
  readonly text: string;
}

/**
 * One sentence for each. `text`: what `iptables-save`, `ip6tables-save` and `nft list table` printed, with `---` between.
 * Flannel's are those that name it or its network. Pure.
 */
export function ruleProblems(text: string, network: Cidr, subnet: Cidr): readonly string[] {
  const name = formatCidr(network);
  const ours = placedRules(text).filter(
    rule => /flannel/i.test(`${rule.place} ${rule.text}`) || rule.text.split(/[\s,{}]+/).includes(name),
  );
  const copies = Map.groupBy(ours, rule => `${rule.place}: ${rule.text}`);
  const twice = [...copies].filter(([, { length }]) => length > 1);
  return [
    ...twice.map(([rule, { length }]) => `this rule is there ${length} times: ${rule}`),
    ...ours
      .filter(rule => foreign(rule.text, network, subnet))
      .map(rule => `this rule is of another subnet than ${formatCidr(subnet)}: ${rule.place}: ${rule.text}`),
  ];
}

function foreign(rule: string, network: Cidr, subnet: Cidr): boolean {
  return rule
    .split(/[\s,{}]+/)
    .filter(word => word.includes('/'))
    .map(parseCidr)
    .some(
      prefix =>
        prefix !== undefined &&
        contains(network, prefix) &&
        !sameCidr(prefix, network) &&
        !sameCidr(prefix, subnet),
    );
}

/** Of `iptables-save`, `ip6tables-save` and `nft list table`, with `---` between. */
export function placedRules(text: string): readonly PlacedRule[] {
  return text.split('---\n').flatMap((part, index) => {
    let table = '';
    let chain = '';
    return part.split('\n').flatMap((line): readonly PlacedRule[] => {
      const words = line.trim();
      const [first, second = ''] = words.split(' ');
      if (first?.startsWith('*')) table = `${index === 0 ? 'iptables' : 'ip6tables'} ${first.slice(1)}`;
      else if (first === '-A') return [{ place: table, text: words }];
      else if (first === 'table') table = `nft ${words.replace(/ \{$/, '')}`;
      else if (first === 'chain') chain = second;
      else if (first === '}') chain = '';
      else if (chain && !words.startsWith('type ')) return [{ place: `${table} ${chain}`, text: words }];
      return [];
    });
  });
}

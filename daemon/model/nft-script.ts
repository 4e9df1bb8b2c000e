// The rules in the words of nft: one script that puts our tables in place of whatever stands under their names.
import type { Family } from '../../lib/ip.ts';
import { forwardRules, masqueradeRules, type Prefix, type Range, type Rule, type Traffic } from './rules.ts';

/** Family and name of the tables, as upstream calls them. */
export const nftTables: Readonly<Record<Family, string>> = { 4: 'ip flannel-ipv4', 6: 'ip6 flannel-ipv6' };

/** The ranges whose families should have a table. */
export function tabledRanges({ mode, forward, masquerade, ranges }: Traffic): readonly Range[] {
  return mode === 'nftables' && (forward || masquerade) ? ranges : [];
}

/**
 * The script for `nft -f`, which carries it out as a whole or not at all; empty when there is nothing to do. `present`
 * are the families that have a table: the tables that are not wanted go, the others are made anew.
 */
export function nftScript(traffic: Traffic, randomFully: boolean, present: readonly Family[]): string {
  const wanted = tabledRanges(traffic);
  const stale = present.filter(family => wanted.every(range => range.family !== family));
  const masquerade = randomFully && traffic.randomFully ? 'masquerade fully-random' : 'masquerade';
  const lines = [
    ...stale.map(family => `delete table ${nftTables[family]}`),
    ...wanted.flatMap(range => tableLines(traffic, range, masquerade)),
  ];
  return lines.map(line => `${line}\n`).join('');
}

function tableLines({ forward, masquerade }: Traffic, range: Range, verdict: string): readonly string[] {
  const table = nftTables[range.family];
  const chain = (name: string, head: string, comment: string, rules: readonly Rule[]) => [
    `add chain ${table} ${name} { ${head}; policy accept; }`,
    ...rules.map(
      rule =>
        `add rule ${table} ${name} ${ruleText(rule, range.family, verdict)} comment "flanneld ${comment}"`,
    ),
  ];
  return [
    // Added first, because what is not there cannot be deleted.
    ...[`add table ${table}`, `delete table ${table}`, `add table ${table}`],
    ...(forward
      ? chain('forward', 'type filter hook forward priority 0', 'forward', forwardRules(range))
      : []),
    ...(masquerade
      ? chain('postrtg', 'type nat hook postrouting priority 100', 'masq', masqueradeRules(range))
      : []),
  ];
}

function ruleText({ mark, from, to, verdict }: Rule, family: Family, masquerade: string): string {
  const words = [
    mark && `meta mark & ${mark} == ${mark}`,
    from && prefixText(family, 'saddr', from),
    to && prefixText(family, 'daddr', to),
    verdict === 'masquerade' ? masquerade : verdict,
  ];
  return words.filter(Boolean).join(' ');
}

function prefixText(family: Family, field: string, { prefix, negated }: Prefix): string {
  return `${family === 4 ? 'ip' : 'ip6'} ${field} ${negated ? '!= ' : ''}${prefix}`;
}

// The rules in the words of iptables: which chains of ours should exist in a family, and what is in them.
import type { Family } from '../../lib/ip.ts';
import { forwardRules, masqueradeRules, type Prefix, type Rule, type Traffic } from './rules.ts';
import { type ChainName, mayDropForwarded, type SavedTables } from './saved-rules.ts';

/** A chain of ours and the jump to it, in the words of iptables-save. */
export interface RuleSet {
  readonly table: 'filter' | 'nat';
  readonly chain: ChainName;
  /** The built-in chain that jumps to ours. */
  readonly hook: 'FORWARD' | 'POSTROUTING';
  readonly comment: string;
  /** In order, without `-A CHAIN`; undefined when neither chain nor jump should exist. */
  readonly rules: readonly string[] | undefined;
  /** Networks whose rules are ours to remove where earlier versions put them: straight into the hook. */
  readonly networks: readonly string[];
}

/**
 * What should be there, given what is there. In nftables mode that is nothing, except where iptables drops: what one
 * table accepts, another may still drop, so the overlay has to be accepted in that very table.
 */
export function ruleSets(
  traffic: Traffic,
  family: Family,
  randomFully: boolean,
  saved: SavedTables,
): readonly RuleSet[] {
  const { mode, ranges } = traffic;
  const range = ranges.find(each => each.family === family);
  const isOurs = mode === 'iptables';
  const forward = traffic.forward && (isOurs || mayDropForwarded(saved));
  const masquerade = traffic.masquerade && isOurs;
  const words = randomFully && traffic.randomFully ? 'MASQUERADE --random-fully' : 'MASQUERADE';
  const networks = traffic.networks.flatMap(each => (each.family === family ? each.network : []));
  const text = (comment: string) => (rule: Rule) => ruleText(rule, comment, words);
  return [
    {
      table: 'filter',
      chain: 'FLANNEL-FWD',
      hook: 'FORWARD',
      comment: 'flanneld forward',
      rules: range && forward ? forwardRules(range).map(text('flanneld forward')) : undefined,
      networks,
    },
    {
      table: 'nat',
      chain: 'FLANNEL-POSTRTG',
      hook: 'POSTROUTING',
      comment: 'flanneld masq',
      rules: range && masquerade ? masqueradeRules(range).map(text('flanneld masq')) : undefined,
      networks,
    },
  ];
}

function ruleText({ mark, from, to, verdict }: Rule, comment: string, masquerade: string): string {
  const words = [
    mark && `-m mark --mark ${mark}/${mark}`,
    from && prefixText('-s', from),
    to && prefixText('-d', to),
    `-m comment --comment "${comment}"`,
    `-j ${verdict === 'masquerade' ? masquerade : verdict.toUpperCase()}`,
  ];
  return words.filter(Boolean).join(' ');
}

function prefixText(flag: string, { prefix, negated }: Prefix): string {
  return `${negated ? '! ' : ''}${flag} ${prefix}`;
}

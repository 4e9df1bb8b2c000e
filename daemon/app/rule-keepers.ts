// Which tools keep which rules in a mode, and which of them only have to clean up what the other mode left.
import type { Family } from '../../lib/ip.ts';
import type { Firewall, RuleTool } from '../kernel/firewall.ts';
import { planRules } from '../model/iptables-plan.ts';
import { ruleSets } from '../model/iptables-sets.ts';
import { nftScript, nftTables, tabledRanges } from '../model/nft-script.ts';
import type { Traffic } from '../model/rules.ts';
import { parseSaved } from '../model/saved-rules.ts';

/** One tool and what it has to keep. */
export interface RuleKeeper {
  readonly tool: 'iptables' | 'ip6tables' | 'nft';
  /** What a host without the tool goes without, in words; undefined when that is nothing. */
  readonly without: string | undefined;
  /** There is only something to remove, and nobody puts it there again. */
  readonly once: boolean;
  /** One look, and one change if needed. Rejects when that fails. */
  look(signal: AbortSignal): Promise<Look>;
}

export interface Look {
  readonly changed: boolean;
  /** What was given does not read back: giving it again would change something at each look. */
  readonly drifts: boolean;
  /** Ports were to be chosen fully at random, and the tool cannot. */
  readonly predictable: boolean;
}

/** Those of the mode come first. No tool of a family is called that this node neither has nor had. */
export function ruleKeepers(firewall: Firewall, traffic: Traffic): readonly RuleKeeper[] {
  const families = traffic.networks.map(({ family }) => family);
  const iptables = [
    ...(families.includes(4) ? [iptablesKeeper(firewall.iptables, 4, traffic)] : []),
    ...(families.includes(6) ? [iptablesKeeper(firewall.ip6tables, 6, traffic)] : []),
  ];
  const nft = nftKeeper(firewall.nft, traffic);
  return traffic.mode === 'iptables' ? [...iptables, nft] : [nft, ...iptables];
}

function iptablesKeeper(tool: RuleTool, family: Family, traffic: Traffic): RuleKeeper {
  const { mode, ranges, forward, masquerade } = traffic;
  const has = ranges.some(range => range.family === family);
  const chains = [forward && 'FLANNEL-FWD', masquerade && 'FLANNEL-POSTRTG'].filter(Boolean);
  return {
    tool: family === 4 ? 'iptables' : 'ip6tables',
    without: has && mode === 'iptables' && chains.length > 0 ? chains.join(' and ') : undefined,
    // In nftables mode iptables may come to drop at any time.
    once: !has,
    async look(signal) {
      const [saved, { randomFully }] = await Promise.all([tool.save(signal), tool.features(signal)]);
      const plan = (text: string) => {
        const tables = parseSaved(text);
        return planRules(ruleSets(traffic, family, randomFully, tables), tables);
      };
      const predictable = has && mode === 'iptables' && masquerade && traffic.randomFully && !randomFully;
      const input = plan(saved);
      if (input === undefined) return { changed: false, drifts: false, predictable };
      await tool.restore(input, signal);
      return { changed: true, drifts: plan(await tool.save(signal)) !== undefined, predictable };
    },
  };
}

function nftKeeper(tool: RuleTool, traffic: Traffic): RuleKeeper {
  const wanted = tabledRanges(traffic);
  const tables = wanted.map(({ family }) => `table ${nftTables[family]}`);
  let kept = wanted.length === 0 ? '' : undefined;
  return {
    tool: 'nft',
    without: tables.length > 0 ? tables.join(' and ') : undefined,
    once: wanted.length === 0,
    async look(signal) {
      const saved = await tool.save(signal);
      if (saved === kept) return { changed: false, drifts: false, predictable: false };
      const { randomFully } = wanted.length > 0 ? await tool.features(signal) : { randomFully: false };
      await tool.restore(nftScript(traffic, randomFully, presentIn(saved)), signal);
      kept = await tool.save(signal);
      const predictable = wanted.length > 0 && traffic.masquerade && traffic.randomFully && !randomFully;
      return { changed: true, drifts: presentIn(kept).length !== wanted.length, predictable };
    },
  };
}

function presentIn(saved: string): readonly Family[] {
  return ([4, 6] as const).filter(family => saved.includes(`table ${nftTables[family]} {`));
}

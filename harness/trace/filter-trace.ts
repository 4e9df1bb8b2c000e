// Reads `nft monitor trace`: the chain and rule, or policy, that ended a packet, and the rule that rewrote its source.

export interface FilterVerdict {
  /** `ip filter FORWARD`. */
  readonly chain: string;
  readonly kind: 'drop' | 'masquerade';
  /** The rule as nft prints it; undefined: the chain's policy. */
  readonly rule: string | undefined;
}

const line = /^trace id (\S+) (\S+ \S+ \S+) (rule|policy) (.*)$/;

/** In the order they happened; our own rules end nothing. */
export function filterVerdicts(text: string): readonly FilterVerdict[] {
  return text.split('\n').flatMap((printed): readonly FilterVerdict[] => {
    const [, , chain, what, rest = ''] = line.exec(printed.trim()) ?? [];
    if (chain === undefined) return [];
    if (what === 'policy') return /^drop\b/.test(rest) ? [{ chain, kind: 'drop', rule: undefined }] : [];
    const [, rule = rest, verdict = ''] = /^(.*) \(verdict (\S+)[^)]*\)$/.exec(rest) ?? [];
    const shown = rule.replace(/\s*counter packets \d+ bytes \d+/, '').trim();
    if (verdict === 'drop') return [{ chain, kind: 'drop', rule: shown }];
    const rewrites = /masquerade|snat/i.test(rule) && verdict !== 'continue';
    return rewrites ? [{ chain, kind: 'masquerade', rule: shown }] : [];
  });
}

/** `FORWARD policy DROP (nft: filter/FORWARD)`, `rule "…" (nft: …)`. */
export function filterText({ chain, rule }: FilterVerdict): string {
  const [, table, name] = chain.split(' ');
  const where = `nft: ${table}/${name}`;
  return rule === undefined ? `${name} policy DROP (${where})` : `rule "${rule}" (${where})`;
}

export function filterCommand({ chain }: FilterVerdict): string {
  return `nft list chain ${chain}`;
}

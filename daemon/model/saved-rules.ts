// What iptables-save prints, as tables of chains of rules.

export type ChainName = string;

export interface SavedChain {
  /** What happens to a packet that met no verdict; undefined for a chain that is not built in. */
  readonly policy: string | undefined;
  /** Without their leading `-A CHAIN `, in order. */
  readonly rules: readonly string[];
}

export type SavedTable = ReadonlyMap<ChainName, SavedChain>;
export type SavedTables = ReadonlyMap<string, SavedTable>;

/** Reads the output of iptables-save. Lines it does not know are skipped; never throws. */
export function parseSaved(text: string): SavedTables {
  const tables = new Map<string, Map<ChainName, SavedChain>>();
  let table = new Map<ChainName, SavedChain>();
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = tables.get(line.slice(1).trim()) ?? new Map();
      tables.set(line.slice(1).trim(), table);
    } else if (line.startsWith(':')) {
      const [name = '', policy = '-'] = line.slice(1).split(' ');
      const { rules = [] } = table.get(name) ?? {};
      table.set(name, { policy: policy === '-' ? undefined : policy, rules });
    } else if (line.startsWith('-A ')) {
      const [, name = '', rule = ''] = /^-A (\S+) ?(.*?)\s*$/.exec(line) ?? [];
      const { policy, rules = [] } = table.get(name) ?? {};
      table.set(name, { policy, rules: [...rules, rule] });
    }
  }
  return tables;
}

/** Whether iptables may drop or refuse something that is forwarded, by policy or by a rule. */
export function mayDropForwarded(tables: SavedTables): boolean {
  const table: SavedTable = tables.get('filter') ?? new Map();
  const { policy, rules } = table.get('FORWARD') ?? { policy: undefined, rules: [] };
  const seen = new Set<ChainName>();
  return policy === 'DROP' || rules.some(rule => mayDrop(rule, table, seen));
}

/**
 * Whether a packet that meets this rule may be dropped or refused, by it or by a chain it leads to. Chains that were
 * `seen` to drop nothing are not looked at twice: some hosts have thousands.
 */
export function mayDrop(rule: string, table: SavedTable, seen: Set<ChainName> = new Set()): boolean {
  const target = targetOf(rule);
  if (target === undefined || seen.has(target)) return false;
  if (/^(DROP|REJECT|NFQUEUE|QUEUE|TARPIT)$/.test(target)) return true;
  seen.add(target);
  return (table.get(target)?.rules ?? []).some(next => mayDrop(next, table, seen));
}

/** The chain or verdict a rule ends in; undefined for one that only counts. */
export function targetOf(rule: string): ChainName | undefined {
  return /(?:^| )(?:-j|-g|--jump|--goto) (\S+)/.exec(rule.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))?.[1];
}

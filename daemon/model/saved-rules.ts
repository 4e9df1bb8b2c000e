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
  const chain = table.get('FORWARD');
  if (!chain) return false;
  return chain.policy === 'DROP' || chain.rules.some(rule => mayDrop(rule, table));
}

/** Whether a packet that meets this rule may be dropped or refused, by it or by a chain it leads to. */
export function mayDrop(rule: string, table: SavedTable, seen: ReadonlySet<ChainName> = new Set()): boolean {
  const target = targetOf(rule);
  if (target === undefined || seen.has(target)) return false;
  if (/^(DROP|REJECT|NFQUEUE|QUEUE|TARPIT)$/.test(target)) return true;
  const next = table.get(target)?.rules ?? [];
  return next.some(each => mayDrop(each, table, new Set([...seen, target])));
}

/** The chain or verdict a rule ends in; undefined for one that only counts. */
export function targetOf(rule: string): ChainName | undefined {
  return /(?:^| )(?:-j|-g|--jump|--goto) (\S+)/.exec(rule.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))?.[1];
}

// What iptables-save prints, as tables of chains of rules.

export type ChainName = string;
/** The rules of each chain without their leading `-A CHAIN `, in order. */
export type SavedTable = ReadonlyMap<ChainName, readonly string[]>;

/** Reads the output of iptables-save. Lines it does not know are skipped; never throws. */
export function parseSaved(text: string): ReadonlyMap<string, SavedTable> {
  const tables = new Map<string, Map<ChainName, string[]>>();
  let table = new Map<ChainName, string[]>();
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = tables.get(line.slice(1).trim()) ?? new Map();
      tables.set(line.slice(1).trim(), table);
    } else if (line.startsWith(':')) {
      const name = line.slice(1).split(' ', 1)[0] ?? '';
      if (!table.has(name)) table.set(name, []);
    } else if (line.startsWith('-A ')) {
      const [, name = '', rule = ''] = /^-A (\S+) ?(.*?)\s*$/.exec(line) ?? [];
      table.set(name, [...(table.get(name) ?? []), rule]);
    }
  }
  return tables;
}

/** Whether a packet that meets this rule may be dropped or refused, by it or by a chain it leads to. */
export function mayDrop(rule: string, table: SavedTable, seen: ReadonlySet<ChainName> = new Set()): boolean {
  const target = targetOf(rule);
  if (target === undefined || seen.has(target)) return false;
  if (/^(DROP|REJECT|NFQUEUE|QUEUE|TARPIT)$/.test(target)) return true;
  return (table.get(target) ?? []).some(next => mayDrop(next, table, new Set([...seen, target])));
}

/** The chain or verdict a rule ends in; undefined for one that only counts. */
export function targetOf(rule: string): ChainName | undefined {
  return /(?:^| )(?:-j|-g|--jump|--goto) (\S+)/.exec(rule.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))?.[1];
}

// What `iptables-save` and its like print: tables, their chains with policies, and rules in words; pure.

export interface SavedTable {
  /** `filter`. */
  readonly name: string;
  /** Whether it was printed to its end. */
  readonly isWhole: boolean;
  /** In the order they are printed in. */
  readonly chains: ReadonlyMap<string, SavedChain>;
}

export interface SavedChain {
  /** `ACCEPT`, `DROP`; undefined for a chain that only rules lead to. */
  readonly policy: string | undefined;
  /** The words after `-A <chain>`; a quoted one is one word, with its quotes. */
  readonly rules: readonly (readonly string[])[];
}

export function parseSaved(text: string): readonly SavedTable[] {
  const tables = text.split(/^(?=\*)/m).filter(part => part.startsWith('*'));
  return tables.map(parseTable);
}

function parseTable(text: string): SavedTable {
  const [head = '', ...lines] = text.split('\n');
  const chains = new Map<string, { policy: string | undefined; rules: (readonly string[])[] }>();
  for (const line of lines) {
    const [first = '', second = '', ...rest] = line.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
    if (first.startsWith(':'))
      chains.set(first.slice(1), { policy: second === '-' ? undefined : second, rules: [] });
    else if (first === '-A') chains.get(second)?.rules.push(rest);
  }
  return { name: head.slice(1), isWhole: lines.includes('COMMIT'), chains };
}

// nft in memory: enough of its script language to run what the daemon feeds it, listing with handles like the real one.
import { nftTables } from '../model/nft-script.ts';
import { type Features, MissingTool, type RuleTool } from './firewall.ts';

interface Table {
  readonly handle: number;
  readonly chains: ReadonlyMap<string, Chain>;
}

interface Chain {
  readonly head: string;
  readonly rules: readonly { readonly text: string; readonly handle: number }[];
}

export class FakeNft implements RuleTool {
  installed = true;
  randomFully = true;
  /** How many times something was changed by the daemon. */
  restored = 0;
  #handle = 0;
  #tables: ReadonlyMap<string, Table> = new Map();

  async features(): Promise<Features> {
    this.#need();
    return { randomFully: this.randomFully };
  }

  async save(): Promise<string> {
    this.#need();
    const ours = Object.values(nftTables);
    return [...this.#tables]
      .map(([name, table]) => (ours.includes(name) ? listing(name, table) : ''))
      .join('');
  }

  async restore(input: string): Promise<void> {
    this.#need();
    this.restored++;
    this.edit(input);
  }

  /** As another program would, with the input of `nft -f`: all of it or, with an error, nothing. */
  edit(input: string): void {
    const tables = new Map(this.#tables);
    for (const [at, line] of input.split('\n').entries())
      if (line && !this.#carryOut(tables, line)) throw new Error(`line ${at + 1} failed: ${line}`);
    this.#tables = tables;
  }

  /** Our tables, as `nft -a list table` prints them. */
  text(): string {
    const ours = Object.values(nftTables);
    return [...this.#tables]
      .map(([name, table]) => (ours.includes(name) ? listing(name, table) : ''))
      .join('');
  }

  /** Says whether the line could be carried out. */
  #carryOut(tables: Map<string, Table>, line: string): boolean {
    const words = /^(\w+) (\w+) (ip6? \S+)(?: (\S+))?(?: (.*))?$/.exec(line);
    const [, verb, kind, name = '', chainName = '', rest = ''] = words ?? [];
    const table = tables.get(name);
    if (verb === 'add' && kind === 'table') {
      if (!table) tables.set(name, { handle: ++this.#handle, chains: new Map() });
      return true;
    }
    if (!table) return false;
    if (verb === 'delete' && kind === 'table') return tables.delete(name);
    const chain = table.chains.get(chainName);
    const put = (changed: Chain) => {
      tables.set(name, { ...table, chains: new Map([...table.chains, [chainName, changed]]) });
      return true;
    };
    if (verb === 'add' && kind === 'chain') return put(chain ?? { head: rest.slice(2, -2), rules: [] });
    if (!chain) return false;
    if (verb === 'flush' && kind === 'chain') return put({ ...chain, rules: [] });
    const rule = { text: rest, handle: ++this.#handle };
    if (verb === 'add' && kind === 'rule') return put({ ...chain, rules: [...chain.rules, rule] });
    if (verb === 'insert' && kind === 'rule') return put({ ...chain, rules: [rule, ...chain.rules] });
    return false;
  }

  #need(): void {
    if (!this.installed) throw new MissingTool('nft is not installed');
  }
}

function listing(name: string, { handle, chains }: Table): string {
  const blocks = [...chains].map(([chain, { head, rules }]) => {
    const lines = rules.map(rule => `\t\t${rule.text} # handle ${rule.handle}\n`);
    return `\tchain ${chain} {\n\t\t${head}\n${lines.join('')}\t}\n`;
  });
  return `table ${name} { # handle ${handle}\n${blocks.join('')}}\n`;
}

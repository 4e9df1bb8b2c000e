// iptables in memory: enough of iptables-restore to run what the daemon feeds it, printing like iptables-save.
import type { SavedChain } from '../model/saved-rules.ts';
import { type Features, MissingTool, type RuleTool } from './firewall.ts';

type Chains = Map<string, SavedChain>;

const builtIn: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
};

export class FakeIptables implements RuleTool {
  installed = true;
  randomFully = true;
  /** While true, as if another program kept the lock for longer than anybody waits. */
  locked = false;
  /** How many times it was run. */
  calls = 0;
  /** How many times something was changed by the daemon. */
  restored = 0;
  readonly #program: string;
  readonly #tables = new Map<string, Chains>();

  constructor(program: string) {
    this.#program = program;
  }

  async features(): Promise<Features> {
    this.#need('');
    return { randomFully: this.randomFully };
  }

  async save(): Promise<string> {
    this.#need('-save');
    return this.text();
  }

  async restore(input: string): Promise<void> {
    this.#need('-restore');
    if (this.locked) throw new Error('Another app is currently holding the xtables lock.');
    this.edit(input);
    this.restored++;
  }

  /** As another program would, with the input of `iptables-restore --noflush`. A table changes as a whole or not. */
  edit(input: string): void {
    let name = '';
    let chains: Chains = new Map();
    for (const [at, line] of input.split('\n').entries()) {
      if (line.startsWith('*')) {
        name = line.slice(1);
        chains = new Map(this.#table(name));
      } else if (line === 'COMMIT') this.#tables.set(name, chains);
      else if (line && !editChain(chains, line)) throw new Error(`line ${at + 1} failed: ${line}`);
    }
  }

  /** As iptables-save prints it. */
  text(): string {
    const blocks = [...this.#tables].map(([name, chains]) => {
      const heads = [...chains].map(([chain, { policy = '-' }]) => `:${chain} ${policy} [0:0]`);
      const rules = [...chains].flatMap(([chain, saved]) => saved.rules.map(line => `-A ${chain} ${line}`));
      return [`*${name}`, ...heads, ...rules, 'COMMIT', ''].join('\n');
    });
    return blocks.join('');
  }

  #table(name: string): Chains {
    const empty = (builtIn[name] ?? []).map(chain => [chain, { policy: 'ACCEPT', rules: [] }] as const);
    return this.#tables.get(name) ?? new Map(empty);
  }

  #need(suffix: string): void {
    this.calls++;
    if (!this.installed) throw new MissingTool(`${this.#program}${suffix} is not installed`);
  }
}

/** Says whether the line could be carried out. */
function editChain(chains: Chains, line: string): boolean {
  const [, made, given] = /^:(\S+) (\S+)/.exec(line) ?? [];
  if (made) {
    if (given === '-') chains.set(made, { policy: undefined, rules: [] });
    else chains.set(made, { policy: given, rules: chains.get(made)?.rules ?? [] });
    return true;
  }
  const [, verb, chain = '', rest = ''] = /^-([ADIFX]) (\S+) ?(.*)$/.exec(line) ?? [];
  const found = chains.get(chain);
  if (!found) return false;
  const { policy, rules } = found;
  const put = (changed: readonly string[]) => {
    chains.set(chain, { policy, rules: changed });
    return true;
  };
  switch (verb) {
    case 'A':
      return put([...rules, rest]);
    case 'D':
      return rules.includes(rest) && put(rules.toSpliced(rules.indexOf(rest), 1));
    case 'I': {
      const [, number, rule] = /^(?:(\d+) )?(.*)$/.exec(rest) ?? [];
      return put(rules.toSpliced(Number(number ?? 1) - 1, 0, rule ?? ''));
    }
    case 'F':
      return put([]);
    case 'X':
      return rules.length === 0 && chains.delete(chain);
    default:
      return false;
  }
}

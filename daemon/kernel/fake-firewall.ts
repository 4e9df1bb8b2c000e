// iptables in memory: enough of iptables-restore to run what the daemon feeds it, printing like iptables-save.
import { type Features, type Firewall, MissingTool } from './firewall.ts';

type Chains = Map<string, string[]>;

const builtIn: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
};

export class FakeFirewall implements Firewall {
  installed = true;
  randomFully = true;
  /** How many times something was changed by the daemon. */
  restored = 0;
  readonly #tables = new Map<string, Chains>();

  async features(): Promise<Features> {
    this.#need('iptables');
    return { randomFully: this.randomFully };
  }

  async save(): Promise<string> {
    this.#need('iptables-save');
    return this.text();
  }

  async restore(input: string): Promise<void> {
    this.#need('iptables-restore');
    this.restored++;
    this.edit(input);
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
      const heads = [...chains.keys()].map(
        chain => `:${chain} ${builtIn[name]?.includes(chain) ? 'ACCEPT' : '-'} [0:0]`,
      );
      const rules = [...chains].flatMap(([chain, lines]) => lines.map(line => `-A ${chain} ${line}`));
      return [`*${name}`, ...heads, ...rules, 'COMMIT', ''].join('\n');
    });
    return blocks.join('');
  }

  #table(name: string): Chains {
    return this.#tables.get(name) ?? new Map((builtIn[name] ?? []).map(chain => [chain, []]));
  }

  #need(program: string): void {
    if (!this.installed) throw new MissingTool(`${program} is not installed`);
  }
}

/** Says whether the line could be carried out. */
function editChain(chains: Chains, line: string): boolean {
  const [, head, made] = /^(:)(\S+)/.exec(line) ?? [];
  if (head && made) {
    chains.set(made, []);
    return true;
  }
  const [, verb, chain = '', rest = ''] = /^-([ADIFX]) (\S+) ?(.*)$/.exec(line) ?? [];
  const rules = chains.get(chain);
  if (!rules) return false;
  switch (verb) {
    case 'A':
      chains.set(chain, [...rules, rest]);
      return true;
    case 'D':
      if (!rules.includes(rest)) return false;
      chains.set(chain, rules.toSpliced(rules.indexOf(rest), 1));
      return true;
    case 'I': {
      const [, number, rule] = /^(?:(\d+) )?(.*)$/.exec(rest) ?? [];
      chains.set(chain, rules.toSpliced(Number(number ?? 1) - 1, 0, rule ?? ''));
      return true;
    }
    case 'F':
      chains.set(chain, []);
      return true;
    case 'X':
      return rules.length === 0 && chains.delete(chain);
    default:
      return false;
  }
}

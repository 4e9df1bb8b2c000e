// The operands of a fault on a command line, taken one by one; pure.
import { nearest, UsageError } from '../../lib/errors.ts';
import type { NodeHandle } from '../drivers/driver.ts';

export class Words {
  readonly #left: string[];
  readonly #nodes: readonly NodeHandle[];
  /** Names of those of etcd. */
  readonly members: readonly string[];
  readonly #usage: string;

  /** `members`: names of etcd's. `usage` is the hint of every error. */
  constructor(
    words: readonly string[],
    { nodes, members }: { readonly nodes: readonly NodeHandle[]; readonly members: readonly string[] },
    usage: string,
  ) {
    this.#left = [...words];
    this.#nodes = nodes;
    this.members = members;
    this.#usage = usage;
  }

  node(): NodeHandle {
    return this.#node(this.#next('a node'));
  }

  #node(name: string): NodeHandle {
    const found = this.#nodes.find(node => node.name === name);
    if (found) return found;
    throw this.#error(
      `there is no ${name}; nodes are ${this.#nodes.map(node => node.name).join(', ') || 'none'}`,
    );
  }

  /** `node1,node2`; undefined when no word is left. */
  nodes(): readonly NodeHandle[] | undefined {
    const names = this.#left.shift()?.split(',');
    return names?.map(name => this.#node(name));
  }

  /** A member of etcd. */
  member(): string {
    const name = this.#next('a member of etcd');
    if (this.members.includes(name)) return name;
    throw this.#error(`etcd has no member ${name}; it has ${this.members.join(', ')}`);
  }

  /** Undefined when no word is left. */
  anyMember(): string | undefined {
    return this.#left.length === 0 ? undefined : this.member();
  }

  text(what: string): string {
    return this.#next(what);
  }

  /** Undefined when no word is left. */
  optional(): string | undefined {
    return this.#left.shift();
  }

  /** A whole number within the bounds; `otherwise` when no word is left. */
  number(what: string, [least, most]: readonly [number, number], otherwise?: number): number {
    if (this.#left.length === 0 && otherwise !== undefined) return otherwise;
    const word = this.#next(what);
    const value = Number(word);
    if (/^\d+$/.test(word) && value >= least && value <= most) return value;
    throw this.#error(`${word}: ${what} is a whole number from ${least} to ${most}`);
  }

  /** One of them; `otherwise` when no word is left. */
  choice<const T extends string>(choices: readonly T[], otherwise?: T): T {
    if (this.#left.length === 0 && otherwise !== undefined) return otherwise;
    const word = this.#next(`one of ${choices.join(', ')}`);
    const found = choices.find(choice => choice === word);
    if (found !== undefined) return found;
    const guess = nearest(word, choices);
    throw this.#error(`${word} is none of ${choices.join(', ')}${guess ? `; did you mean ${guess}?` : ''}`);
  }

  /** Throws when words are left over. */
  end(): void {
    if (this.#left.length > 0) throw this.#error(`${this.#left.join(' ')}: too many operands`);
  }

  #next(what: string): string {
    const word = this.#left.shift();
    if (word === undefined) throw this.#error(`say ${what}`);
    return word;
  }

  #error(message: string): UsageError {
    return new UsageError(message, { hint: this.#usage });
  }
}

// Finds the longest prefix an address is in: one look for each length of prefix that occurs, whatever their number.
import type { Cidr } from '../../lib/ip.ts';
import type { Memory } from './memory.ts';

type Branch = Map<number, Branch | number>;

/** The prefixes of one length, as a tree of the 32-bit words of an address; of the last one, the first bits count. */
interface Level {
  readonly length: number;
  readonly words: number;
  readonly shift: number;
  readonly root: Branch;
  count: number;
}

/** Of one family. What is found are numbers from 0 on. */
export class PrefixMap {
  /** Longest first; only such that have prefixes. */
  #levels: Level[] = [];

  /** For the address that stands at `at`; -1 when it is in none. */
  find(memory: Memory, at: number): number {
    for (const { words, shift, root } of this.#levels) {
      let branch: Branch | number | undefined = root;
      for (let n = 1; n < words && typeof branch === 'object'; n++)
        branch = branch.get(memory.get32(at + 4 * n - 4) | 0);
      if (typeof branch !== 'object') continue;
      const found = branch.get((memory.get32(at + 4 * words - 4) | 0) >> shift);
      if (typeof found === 'number') return found;
    }
    return -1;
  }

  /** Takes the place of what was found for the prefix. */
  set(prefix: Cidr, found: number): void {
    let level = this.#levels.find(({ length }) => length === prefix.length);
    if (!level) {
      level = levelOf(prefix.length);
      this.#levels = [...this.#levels, level].sort((a, b) => b.length - a.length);
    }
    const [branch, ends] = leaf(level, prefix);
    if (!ends.some(end => branch.has(end))) level.count++;
    for (const end of ends) branch.set(end, found);
  }

  delete(prefix: Cidr): void {
    const level = this.#levels.find(({ length }) => length === prefix.length);
    if (!level) return;
    const [branch, ends] = leaf(level, prefix);
    if (ends.filter(end => branch.delete(end)).length > 0) level.count--;
    if (level.count === 0) this.#levels = this.#levels.filter(other => other !== level);
  }
}

function levelOf(length: number): Level {
  const words = Math.max(1, Math.ceil(length / 32));
  // Shifted by 31, a word is 0 or -1: a prefix of length 0 has both.
  return { length, words, shift: Math.min(31, words * 32 - length), root: new Map(), count: 0 };
}

/** Where a prefix stands: the last branch, made where there is none, and its keys there. */
function leaf({ length, words, shift, root }: Level, prefix: Cidr): readonly [Branch, readonly number[]] {
  const path = wordsOf(prefix).slice(0, words);
  const end = (path.pop() ?? 0) >> shift;
  let branch = root;
  for (const word of path) {
    const next = branch.get(word);
    const below: Branch = typeof next === 'object' ? next : new Map();
    branch.set(word, below);
    branch = below;
  }
  return [branch, length === 0 ? [0, -1] : [end]];
}

/** Four words of IPv6, or one of IPv4, signed as the operators of JavaScript have them. */
function wordsOf({ family, base }: Cidr): number[] {
  const count = family === 4 ? 1 : 4;
  return Array.from({ length: count }, (_, n) =>
    Number(BigInt.asIntN(32, base >> BigInt(32 * (count - 1 - n)))),
  );
}

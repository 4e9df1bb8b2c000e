// Tells what others change from the kernel's word of what we changed ourselves, which is no news.
import type { Op } from '../model/diff.ts';

/** The kernel speaks at once; what it had nothing to say about is forgotten after this time, in milliseconds. */
const patience = 5000;

export class Echoes {
  readonly #expected = new Map<string, number>();

  /** To be called before these are carried out. */
  expect(ops: readonly Op[]): void {
    const now = performance.now();
    for (const [words, until] of this.#expected) {
      if (until > now) break;
      this.#expected.delete(words);
    }
    for (const op of ops) {
      const words = wordsOf(op);
      if (words) this.#expected.set(words, now + patience);
    }
  }

  /** Whether a line of `ip monitor` tells of one of them, for the first time. Someone else doing the same is no news. */
  has(line: string): boolean {
    const [words = ''] = /^(?:Deleted )?(?:\S+ ){4}\S+/.exec(line) ?? [];
    return this.#expected.delete(words);
  }
}

/** How `ip monitor` begins to tell of it; undefined for what is rare enough to look at again. */
function wordsOf({ verb, entry }: Op): string | undefined {
  const deleted = verb === 'remove' ? 'Deleted ' : '';
  switch (entry.kind) {
    case 'neighbour':
      return `${deleted}${entry.ip} dev ${entry.dev} lladdr ${entry.mac}`;
    case 'fdb':
      return `${deleted}${entry.dst} dev ${entry.dev} lladdr ${entry.mac}`;
    case 'route':
      return entry.via && entry.dev ? `${deleted}${entry.to} via ${entry.via} dev ${entry.dev}` : undefined;
    default:
      return undefined;
  }
}

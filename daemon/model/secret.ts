// A key that must not be seen: it prints as a word everywhere, and is compared by its digest.
import { createHash } from 'node:crypto';

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Says whether two are the same, and nothing of what they are. */
  get digest(): string {
    return createHash('sha256').update(this.#text).digest('hex').slice(0, 16);
  }

  /** To be handed to the program that needs it, and to nobody else. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '(secret)';
  }

  toJSON(): string {
    return '(secret)';
  }
}

/**
 * A configuration, or a part of it, without the value of its PSK: what is quoted may not even be JSON. The rest stays
 * as it is.
 */
export function withoutPsk(text: string): string {
  return text.replaceAll(/(\bpsk\b\\*["']?\s*[:=]\s*)(\\*"[^"]*|'[^']*|[^\s,}]+)/gi, '$1(secret)');
}

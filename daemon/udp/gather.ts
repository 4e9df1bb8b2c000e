// struct iovec: pieces of memory that the kernel takes for one packet, or for several, without a copy being made first.
import type { Memory } from './memory.ts';

const entry = 16;

/** A table of pieces. It stands in the memory it speaks of, and that memory lies within 4 GiB. */
export class Gather {
  readonly #memory: Memory;
  readonly #at: number;
  readonly #capacity: number;
  readonly #high: number;
  readonly #low: number;
  count = 0;

  constructor(memory: Memory, at: number, capacity: number) {
    this.#memory = memory;
    this.#at = at;
    this.#capacity = capacity;
    this.#high = Math.floor(memory.address / 2 ** 32);
    this.#low = memory.address % 2 ** 32;
  }

  /** Bytes a table of so many pieces takes; it has to begin at a multiple of 4. */
  static size(capacity: number): number {
    return capacity * entry;
  }

  /** Where the kernel finds the table. */
  get address(): number {
    return this.#memory.address + this.#at;
  }

  get isFull(): boolean {
    return this.count === this.#capacity;
  }

  clear(): void {
    this.count = 0;
  }

  add(at: number, length: number): void {
    const { words32 } = this.#memory;
    const word = (this.#at + this.count++ * entry) >>> 2;
    words32[word] = this.#low + at;
    words32[word + 1] = this.#high;
    words32[word + 2] = length;
    words32[word + 3] = 0;
  }

  /** Some of the pieces as one, copied. */
  bytes(from = 0, count = this.count): Uint8Array {
    const { words32, bytes } = this.#memory;
    const parts: Uint8Array[] = [];
    for (let n = from; n < from + count; n++) {
      const word = (this.#at + n * entry) >>> 2;
      const at = (words32[word] as number) - this.#low;
      parts.push(bytes.subarray(at, at + (words32[word + 2] as number)));
    }
    return Buffer.concat(parts);
  }
}

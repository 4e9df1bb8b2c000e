// struct iovec: pieces of memory that the kernel takes for one packet, or for several, without a copy being made first.
import type { Memory } from './memory.ts';

const entry = 16;

/** A table of pieces. It stands in the memory it speaks of. */
export class Gather {
  readonly #memory: Memory;
  readonly #at: number;
  readonly #capacity: number;
  count = 0;

  constructor(memory: Memory, at: number, capacity: number) {
    this.#memory = memory;
    this.#at = at;
    this.#capacity = capacity;
  }

  /** Bytes a table of so many pieces takes; it has to begin at a multiple of 4. */
  static size(capacity: number): number {
    return capacity * entry;
  }

  /** Where the kernel finds the table. */
  get address(): number {
    return this.#memory.address + this.#at;
  }

  /** Where the n-th entry of it stands. */
  place(n: number): number {
    return this.#at + n * entry;
  }

  get isFull(): boolean {
    return this.count === this.#capacity;
  }

  clear(): void {
    this.count = 0;
  }

  add(at: number, length: number): void {
    const place = this.place(this.count++);
    this.#memory.setPointer(place, at);
    this.#memory.setNative64(place + 8, length);
  }

  /** Some of the pieces as one, copied. */
  bytes(from = 0, count = this.count): Uint8Array {
    const { words32, bytes } = this.#memory;
    const parts: Uint8Array[] = [];
    for (let n = from; n < from + count; n++) {
      const place = this.place(n);
      const at = this.#memory.pointer(place);
      parts.push(bytes.subarray(at, at + (words32[(place + 8) >>> 2] as number)));
    }
    return Buffer.concat(parts);
  }
}

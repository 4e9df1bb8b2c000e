// struct msghdr: whom a message goes to or came from, the pieces it consists of, and what is said beside it.
import type { Memory } from './memory.ts';

/** Of a 64-bit system; between some of them are holes. */
const field = { name: 0, nameLength: 8, pieces: 16, pieceCount: 24, control: 32, controlLength: 40 } as const;

export const messageRoom = 56;

/** Stands at a multiple of 8 of the memory it speaks of. */
export class MessageHeader {
  readonly #memory: Memory;
  readonly #at: number;

  constructor(memory: Memory, at: number) {
    this.#memory = memory;
    this.#at = at;
  }

  /** Where the kernel finds it. */
  get address(): number {
    return this.#memory.address + this.#at;
  }

  name(at: number, length: number): void {
    this.#memory.setPointer(this.#at + field.name, at);
    this.#memory.setNative64(this.#at + field.nameLength, length);
  }

  /** A table of {@link Gather}, or a part of one. */
  pieces(at: number, count: number): void {
    this.#memory.setPointer(this.#at + field.pieces, at);
    this.#memory.setNative64(this.#at + field.pieceCount, count);
  }

  control(at: number, length: number): void {
    this.#memory.setPointer(this.#at + field.control, at);
    this.#memory.setNative64(this.#at + field.controlLength, length);
  }

  withoutControl(): void {
    this.#memory.setNative64(this.#at + field.control, 0);
    this.#memory.setNative64(this.#at + field.controlLength, 0);
  }

  /** What the kernel has put there. */
  get controlLength(): number {
    return this.#memory.words32[(this.#at + field.controlLength) >>> 2] as number;
  }
}

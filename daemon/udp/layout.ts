// Shares out a region of memory from its start on.

export class Layout {
  #next = 0;

  /** Where `size` bytes are nobody else's; a multiple of 8. */
  take(size: number): number {
    const at = this.#next;
    this.#next = (at + size + 7) & ~7;
    return at;
  }
}

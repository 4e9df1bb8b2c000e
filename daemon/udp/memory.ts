// Memory that packets live in: seen as bytes and words by this process, known by its address to the kernel.

/**
 * A region of memory, in the byte order of the machine (little-endian on all that flannel runs on). Offsets count
 * bytes from its start.
 */
export class Memory {
  readonly bytes: Uint8Array;
  readonly words16: Uint16Array;
  readonly words32: Uint32Array;
  /** Where the kernel finds offset 0; 0 for memory that it never sees. */
  readonly address: number;
  readonly #low: number;
  readonly #high: number;

  constructor(buffer: ArrayBuffer, address = 0) {
    this.bytes = new Uint8Array(buffer);
    this.words16 = new Uint16Array(buffer);
    this.words32 = new Uint32Array(buffer);
    this.address = address;
    this.#low = address % 2 ** 32;
    this.#high = Math.floor(address / 2 ** 32);
  }

  get16(at: number): number {
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  set16(at: number, value: number): void {
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }

  get32(at: number): number {
    return ((this.get16(at) << 16) | this.get16(at + 2)) >>> 0;
  }

  set32(at: number, value: number): void {
    this.set16(at, value >>> 16);
    this.set16(at + 2, value & 0xffff);
  }

  /** What the kernel reads as 64 bits, below 2^32, at a multiple of 4. */
  setNative64(at: number, value: number): void {
    this.words32[at >>> 2] = value;
    this.words32[(at >>> 2) + 1] = 0;
  }

  /** The address of offset `to` for the kernel, at a multiple of 4. A region that it sees lies within 4 GiB. */
  setPointer(at: number, to: number): void {
    this.words32[at >>> 2] = this.#low + to;
    this.words32[(at >>> 2) + 1] = this.#high;
  }

  /** The offset that {@link setPointer} wrote. */
  pointer(at: number): number {
    return (this.words32[at >>> 2] as number) - this.#low;
  }

  copy(to: number, from: number, length: number): void {
    this.bytes.copyWithin(to, from, from + length);
  }
}

// Packets of one size to one peer, sent with one system call where the kernel can (UDP_SEGMENT).
import { Gather } from './gather.ts';
import type { Memory } from './memory.ts';
import { mostHeaders, type Wire } from './segment.ts';
import { udpOption } from './sockets.ts';

/** UDP_MAX_SEGMENTS of every kernel that has them. */
const most = 64;
/** What fits one datagram of IPv4 without options, and so one call. */
const mostBytes = 65_507;
/** Headers stay in use until their packet is sent; the one being made comes on top. */
const rooms = 2 * most;

/** struct msghdr, with a name and a control message behind it. */
const header = {
  size: 56,
  name: 0,
  nameLength: 8,
  pieces: 16,
  pieceCount: 24,
  control: 32,
  controlLength: 40,
};
const nameRoom = 32;
const controlRoom = 24;

export const batchRoom =
  rooms * mostHeaders + Gather.size(2 * most) + header.size + nameRoom + controlRoom + 8;

/** Sends `count` packets of which struct msghdr at `message` tells, and says whether the kernel took them. */
export type Transmit = (batch: Batch, message: number) => void;

export class Batch implements Wire {
  /** Where they go: an index of the table in use. */
  peer = -1;
  /** Of each packet but the last. */
  size = 0;
  count = 0;
  bytes = 0;
  readonly #memory: Memory;
  readonly #transmit: Transmit;
  readonly #headers: number;
  readonly #pieces: Gather;
  readonly #message: number;
  #limit: number;
  #room = 0;
  #target = -1;
  #isClosed = false;

  constructor(memory: Memory, at: number, joins: boolean, transmit: Transmit) {
    this.#memory = memory;
    this.#transmit = transmit;
    this.#limit = joins ? most : 1;
    this.#headers = at;
    const pieces = at + rooms * mostHeaders;
    this.#pieces = new Gather(memory, pieces, 2 * most);
    this.#message = pieces + Gather.size(2 * most);
  }

  /** From the next packet on, each is sent by itself. */
  separate(): void {
    this.#limit = 1;
  }

  /** Packets from now on go there. */
  aim(peer: number): void {
    this.#target = peer;
  }

  room(): number {
    this.#room = (this.#room + 1) % rooms;
    return this.#headers + this.#room * mostHeaders;
  }

  packet(headersAt: number, headers: number, payloadAt: number, payload: number): void {
    const size = headers + payload;
    const isFull = this.count === this.#limit || this.bytes + size > mostBytes;
    if (this.count > 0 && (this.#isClosed || isFull || this.peer !== this.#target || size > this.size))
      this.flush();
    if (this.count === 0) {
      this.peer = this.#target;
      this.size = size;
    }
    // All but the last are of one size.
    this.#isClosed = size < this.size;
    this.#pieces.add(headersAt, headers);
    this.#pieces.add(payloadAt, payload);
    this.count++;
    this.bytes += size;
  }

  flush(): void {
    if (this.count === 0) return;
    this.#address(0, this.count, this.count > 1 ? this.size : 0);
    this.#transmit(this, this.#message);
    this.#pieces.clear();
    this.count = 0;
    this.bytes = 0;
    this.#isClosed = false;
  }

  /** The n-th packet alone, as a message. */
  single(n: number): number {
    this.#address(n, 1, 0);
    return this.#message;
  }

  /** Copies the n-th packet, or its beginning, to a place where it is in one piece; returns what was copied. */
  copy(n: number, to: number, most: number): number {
    const bytes = this.#pieces.bytes(2 * n, 2).subarray(0, most);
    this.#memory.bytes.set(bytes, to);
    return bytes.length;
  }

  /** Sets whom the message goes to: struct sockaddr of `length` bytes. */
  name(bytes: Uint8Array): void {
    const at = this.#message + header.size;
    this.#memory.bytes.set(bytes, at);
    this.#word(header.name, this.#memory.address + at);
    this.#word(header.nameLength, bytes.length);
  }

  /** With `size`, the kernel cuts what it is given into packets of that size. */
  #address(from: number, count: number, size: number): void {
    this.#word(header.pieces, this.#pieces.address + Gather.size(2 * from));
    this.#word(header.pieceCount, 2 * count);
    const control = this.#message + header.size + nameRoom;
    this.#word(header.control, size ? this.#memory.address + control : 0);
    this.#word(header.controlLength, size ? controlRoom : 0);
    if (!size) return;
    const { words32, words16 } = this.#memory;
    // struct cmsghdr: 16 bytes of header and 2 of data.
    words32[control >>> 2] = 18;
    words32[(control >>> 2) + 1] = 0;
    words32[(control >>> 2) + 2] = udpOption.level;
    words32[(control >>> 2) + 3] = udpOption.segment;
    words16[(control + 16) >>> 1] = size;
  }

  #word(field: number, value: number): void {
    const word = (this.#message + field) >>> 2;
    this.#memory.words32[word] = value % 2 ** 32;
    this.#memory.words32[word + 1] = Math.floor(value / 2 ** 32);
  }
}

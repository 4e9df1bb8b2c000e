// Packets of one size to one peer, sent with one system call where the kernel can (UDP_SEGMENT).
import { Gather } from './gather.ts';
import type { Memory } from './memory.ts';
import { MessageHeader, messageRoom } from './message-header.ts';
import { mostHeaders, type Wire } from './segment.ts';
import { udpOption } from './sockets.ts';

/** UDP_MAX_SEGMENTS of every kernel that has them. */
const most = 64;
/** What fits one datagram of IPv4 without options, and so one call. */
const mostBytes = 65_507;
/** Headers stay in use until their packet is sent; the one being made comes on top. */
const rooms = 2 * most;

const nameRoom = 32;
const controlRoom = 24;

export const batchRoom =
  rooms * mostHeaders + Gather.size(2 * most) + messageRoom + nameRoom + controlRoom + 8;

/** Sends the packets that the batch's message tells of. */
export type Transmit = (batch: Batch) => void;

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
  readonly #message: MessageHeader;
  readonly #name: number;
  #named: Uint8Array | undefined;
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
    const message = pieces + Gather.size(2 * most);
    this.#message = new MessageHeader(memory, message);
    this.#name = message + messageRoom;
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
    this.#transmit(this);
    this.#pieces.clear();
    this.count = 0;
    this.bytes = 0;
    this.#isClosed = false;
  }

  /** Where the kernel finds the message: all packets, or what {@link single} left of them. */
  get message(): number {
    return this.#message.address;
  }

  /** Makes the n-th packet alone the message. */
  single(n: number): void {
    this.#address(n, 1, 0);
  }

  /** Copies the n-th packet, or its beginning, to a place where it is in one piece; returns what was copied. */
  copy(n: number, to: number, most: number): number {
    const bytes = this.#pieces.bytes(2 * n, 2).subarray(0, most);
    this.#memory.bytes.set(bytes, to);
    return bytes.length;
  }

  /** Sets whom the message goes to: struct sockaddr, which nobody changes. */
  name(bytes: Uint8Array): void {
    if (bytes === this.#named) return;
    this.#named = bytes;
    this.#memory.bytes.set(bytes, this.#name);
    this.#message.name(this.#name, bytes.length);
  }

  /** With `size`, the kernel cuts what it is given into packets of that size. */
  #address(from: number, count: number, size: number): void {
    this.#message.pieces(this.#pieces.place(2 * from), 2 * count);
    if (!size) {
      this.#message.withoutControl();
      return;
    }
    const { words32, words16 } = this.#memory;
    const control = this.#name + nameRoom;
    this.#message.control(control, controlRoom);
    // struct cmsghdr: 16 bytes of header and 2 of data.
    words32[control >>> 2] = 18;
    words32[(control >>> 2) + 1] = 0;
    words32[(control >>> 2) + 2] = udpOption.level;
    words32[(control >>> 2) + 3] = udpOption.segment;
    words16[(control + 16) >>> 1] = size;
  }
}

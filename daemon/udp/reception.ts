// Receives datagrams of one sender, several at once where the kernel joined them (UDP_GRO).
import type { Memory } from './memory.ts';
import { type UdpSocket, udpOption } from './sockets.ts';
import { calls, EINTR, lastError, MSG_DONTWAIT } from './system.ts';

/** More than any datagram has. */
const bufferRoom = 65_536;
const nameRoom = 32;
const controlRoom = 64;
const messageRoom = 56;
const pieceRoom = 16;

export const receptionRoom = bufferRoom + nameRoom + controlRoom + messageRoom + pieceRoom;

export class Reception {
  /** Where the datagrams are, one behind the other. */
  readonly at: number;
  length = 0;
  /** Of each datagram but the last; 0 for one without contents. */
  size = 0;
  /** Where the sender's address is, as packets have addresses. */
  from = 0;
  readonly #memory: Memory;
  readonly #name: number;
  readonly #control: number;
  readonly #message: number;

  constructor(memory: Memory, at: number) {
    this.#memory = memory;
    this.at = at;
    this.#name = at + bufferRoom;
    this.#control = this.#name + nameRoom;
    this.#message = this.#control + controlRoom;
    const piece = this.#message + messageRoom;
    const word = (place: number, value: number) => {
      memory.words32[place >>> 2] = value % 2 ** 32;
      memory.words32[(place >>> 2) + 1] = Math.floor(value / 2 ** 32);
    };
    // struct msghdr: name, pieces, control.
    word(this.#message, memory.address + this.#name);
    word(this.#message + 16, memory.address + piece);
    word(this.#message + 24, 1);
    word(this.#message + 32, memory.address + this.#control);
    word(piece, memory.address + this.at);
    word(piece + 8, bufferRoom);
  }

  /** Says whether there was anything. */
  receive({ fd, family }: UdpSocket): boolean {
    const { words32, address } = this.#memory;
    const message = this.#message >>> 2;
    for (;;) {
      // The kernel puts what it used in their place.
      words32[message + 2] = nameRoom;
      words32[message + 10] = controlRoom;
      const got = calls.recvmsg(fd, address + this.#message, MSG_DONTWAIT);
      // What an earlier datagram met on its way may be told here; it concerns nobody else.
      if (got < 0 && lastError() === EINTR) continue;
      if (got < 0) return false;
      this.length = got;
      this.size = this.#joinedSize() || got;
      this.from = this.#name + (family === 4 ? 4 : 8);
      return true;
    }
  }

  /** From the control message; 0 when it is one datagram. */
  #joinedSize(): number {
    const { words32 } = this.#memory;
    const used = words32[(this.#message >>> 2) + 10] as number;
    const control = this.#control >>> 2;
    const isJoined =
      used >= 20 && words32[control + 2] === udpOption.level && words32[control + 3] === udpOption.gro;
    return isJoined ? (words32[control + 4] as number) : 0;
  }
}

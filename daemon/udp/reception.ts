// Receives datagrams of one sender, several at once where the kernel joined them (UDP_GRO).
import { Gather } from './gather.ts';
import type { Memory } from './memory.ts';
import { MessageHeader, messageRoom } from './message-header.ts';
import { offloadLength } from './offload.ts';
import { type UdpSocket, udpOption } from './sockets.ts';
import { calls, EINTR, lastError, MSG_DONTWAIT } from './system.ts';

/** More than any datagram has. */
const bufferRoom = 65_536;
const nameRoom = 32;
const controlRoom = 64;
/** Nothing is ever written there; at a multiple of 4. */
const leadRoom = (offloadLength + 3) & ~3;

export const receptionRoom =
  leadRoom + bufferRoom + nameRoom + controlRoom + messageRoom + Gather.size(1) + 16;

export class Reception {
  /** Where the datagrams are, one behind the other, and in front of them a struct virtio_net_hdr that says nothing. */
  readonly at: number;
  length = 0;
  /** Of each datagram but the last; 0 for one without contents. */
  size = 0;
  /** Where the sender's address is, as packets have addresses. */
  from = 0;
  readonly #memory: Memory;
  readonly #name: number;
  readonly #control: number;
  readonly #message: MessageHeader;

  constructor(memory: Memory, at: number) {
    this.#memory = memory;
    this.at = at + leadRoom;
    this.#name = (this.at + bufferRoom + 7) & ~7;
    this.#control = this.#name + nameRoom;
    const message = this.#control + controlRoom;
    this.#message = new MessageHeader(memory, message);
    const pieces = new Gather(memory, message + messageRoom, 1);
    pieces.add(this.at, bufferRoom);
    this.#message.pieces(pieces.place(0), 1);
  }

  /** Says whether there was anything. */
  receive({ fd, family }: UdpSocket): boolean {
    const message = this.#message;
    for (;;) {
      // The kernel puts what it used in their place.
      message.name(this.#name, nameRoom);
      message.control(this.#control, controlRoom);
      const got = calls.recvmsg(fd, message.address, MSG_DONTWAIT);
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
    const used = this.#message.controlLength;
    const control = this.#control >>> 2;
    const isJoined =
      used >= 20 && words32[control + 2] === udpOption.level && words32[control + 3] === udpOption.gro;
    return isJoined ? (words32[control + 4] as number) : 0;
  }
}

// From the peers to the device: receive, see whether a peer may send it, join, deliver.
import { Coalescer, coalescerRoom } from './coalesce.ts';
import type { Memory } from './memory.ts';
import { offloadLength } from './offload.ts';
import type { Parts } from './outbound.ts';
import { familyAt, takeHop, totalLength } from './packet.ts';
import { Reception, receptionRoom } from './reception.ts';
import type { UdpSocket } from './sockets.ts';
import { calls } from './system.ts';
import type { Table } from './table.ts';
import type { Tally } from './tally.ts';
import type { Teller } from './teller.ts';
import type { Tun } from './tun.ts';

export const inboundRoom = receptionRoom + coalescerRoom + 16;

export class Inbound {
  readonly #memory: Memory;
  readonly #tun: Tun;
  readonly #tally: Tally;
  readonly #teller: Teller;
  readonly #reception: Reception;
  readonly #coalescer: Coalescer | undefined;
  /** Sends a packet of our own making to whoever has its destination. */
  readonly #answer: (at: number, length: number) => void;
  readonly #table: Table;

  constructor(
    { memory, layout, tun, tally, teller, table }: Parts,
    answer: (at: number, length: number) => void,
  ) {
    this.#memory = memory;
    this.#tun = tun;
    this.#tally = tally;
    this.#teller = teller;
    this.#table = table;
    this.#answer = answer;
    this.#reception = new Reception(memory, layout.take(receptionRoom));
    const coalescerAt = layout.take(coalescerRoom);
    if (tun.offloads)
      this.#coalescer = new Coalescer(memory, coalescerAt, tun.udpToo, (pieces, packets, bytes) => {
        this.#delivered(calls.writev(tun.fd, pieces.address, pieces.count), packets, bytes);
      });
  }

  /** Carries what is there, until it was so many packets or a few more, and says how many. */
  carry(socket: UdpSocket, most: number): number {
    const reception = this.#reception;
    let n = 0;
    while (n < most) {
      if (!reception.receive(socket)) break;
      const { at, length, size } = reception;
      const peer = this.#table.from[socket.family].find(this.#memory, reception.from);
      // A datagram may be empty.
      const count = size === 0 ? 1 : Math.ceil(length / size);
      for (let k = 0; k < count; k++) {
        if (peer < 0) this.#tally.add('unknownPeer');
        else this.#receive(at + k * size, Math.min(size, length - k * size), peer, most === 1 && count === 1);
      }
      n += count;
      this.#coalescer?.flush();
    }
    return n;
  }

  /** What comes `alone` is not looked at for others to join it. */
  #receive(at: number, length: number, peer: number, alone: boolean): void {
    const memory = this.#memory;
    const family = familyAt(memory, at, length);
    if (family === 0) {
      this.#tally.add('malformed');
      return;
    }
    const { to, own } = this.#table;
    const whole = totalLength(memory, at, family);
    if (to[family].find(memory, at + (family === 4 ? 12 : 8)) !== peer) this.#tally.add('foreignSource');
    else if (own[family].find(memory, at + (family === 4 ? 16 : 24)) < 0)
      this.#tally.add('foreignDestination');
    else if (!takeHop(memory, at, family)) {
      this.#tally.add('noHops');
      const message = this.#teller.compose({ at, length: whole, family }, 'no hops left');
      if (!message) return;
      this.#answer(message.at, message.length);
      this.#tally.add('icmpSent');
    } else if (this.#coalescer && !alone) this.#coalescer.add(at, whole, family);
    else {
      const lead = this.#coalescer ? offloadLength : 0;
      this.#delivered(calls.write(this.#tun.fd, memory.address + at - lead, lead + whole), 1, whole);
    }
  }

  #delivered(result: number, packets: number, bytes: number): void {
    if (result < 0) {
      this.#tally.add('writeFailed', packets);
      return;
    }
    this.#tally.add('writes');
    this.#tally.add('receivedPackets', packets);
    this.#tally.add('receivedBytes', bytes);
  }
}

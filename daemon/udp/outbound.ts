// From the device to the peers: read, find the peer, cut, send.
import { Batch, batchRoom } from './batch.ts';
import { icmpRoom } from './icmp.ts';
import type { Layout } from './layout.ts';
import type { Memory } from './memory.ts';
import { type Offload, offloadLength, readOffload } from './offload.ts';
import { familyAt, mustNotFragment, takeHop, totalLength } from './packet.ts';
import { segment } from './segment.ts';
import { allowFragments, pathMtu, type UdpSocket } from './sockets.ts';
import { calls, EBADFD, EINTR, EINVAL, EIO, EMSGSIZE, lastError, poll, wouldBlock } from './system.ts';
import type { Table } from './table.ts';
import type { Tally } from './tally.ts';
import type { Teller } from './teller.ts';
import type { Tun } from './tun.ts';

/** The device was removed. */
export class DeviceGone extends Error {
  override readonly name = 'DeviceGone';
}

/** The largest packet, with the header before it. */
const packetRoom = 65_568;
const readRoom = 1 << 20;
/** How long sending waits for the kernel to have room, in milliseconds, before the packets are dropped. */
const patience = 5;
const overhead = { 4: 28, 6: 48 } as const;

export const outboundRoom = readRoom + 2 * (batchRoom + 8) + icmpRoom + 64;

export class Outbound {
  readonly #memory: Memory;
  readonly #tun: Tun;
  readonly #tally: Tally;
  readonly #teller: Teller;
  readonly #readAt: number;
  readonly #pollAt: number;
  readonly #quoteAt: number;
  readonly #batches: Partial<Record<4 | 6, Batch>> = {};
  readonly #offload: Offload = { flags: 0, cut: 0, size: 0, sumFrom: 0, sumTo: 0 };
  readonly #table: Table;
  readonly #notice: (text: string) => void;

  constructor({ memory, layout, tun, tally, teller, table, notice }: Parts, sockets: readonly UdpSocket[]) {
    this.#memory = memory;
    this.#tun = tun;
    this.#tally = tally;
    this.#teller = teller;
    this.#table = table;
    this.#notice = notice;
    this.#readAt = layout.take(readRoom);
    this.#pollAt = layout.take(poll.entry);
    this.#quoteAt = layout.take(icmpRoom);
    for (const socket of sockets)
      this.#batches[socket.family] = new Batch(memory, layout.take(batchRoom), socket.segments, batch =>
        this.#transmit(socket, batch),
      );
  }

  /**
   * Carries what is there, at most so many packets, and says how many; throws {@link DeviceGone}. When `hurried`, the
   * first does not wait for a look at whether there are more.
   */
  carry(most: number, hurried: boolean): number {
    const memory = this.#memory;
    const { fd, offloads } = this.#tun;
    const lead = offloads ? offloadLength : 0;
    let cursor = this.#readAt;
    let n = 0;
    for (; n < most; n++) {
      if (cursor + packetRoom > this.#readAt + readRoom) {
        this.#flush();
        cursor = this.#readAt;
      }
      // The packet begins at a multiple of 4, where sums are fast.
      const at = cursor + 12;
      const got = calls.read(fd, memory.address + at - lead, packetRoom - 16);
      if (got < 0) {
        const code = lastError();
        if (code === EINTR) continue;
        if (code === EBADFD) throw new DeviceGone('the device was removed');
        break;
      }
      if (offloads) readOffload(memory, at - lead, this.#offload);
      this.#send(at, got - lead);
      if (hurried && n === 0) this.#flush();
      cursor = (at + got - lead + 3) & ~3;
    }
    this.#flush();
    return n;
  }

  /** Sends a packet of our own making to whoever has its destination. */
  send(at: number, length: number): void {
    this.#offload.flags = 0;
    this.#offload.cut = 0;
    this.#send(at, length);
    this.#flush();
  }

  #flush(): void {
    this.#batches[4]?.flush();
    this.#batches[6]?.flush();
  }

  /** Hands a packet to the batch for its peer; `#offload` says what is to be done to it. */
  #send(at: number, length: number): void {
    const memory = this.#memory;
    const family = familyAt(memory, at, length);
    const batch = family === 0 ? undefined : this.#batches[family];
    if (family === 0 || !batch) {
      this.#tally.add('malformed');
      return;
    }
    const peer = this.#table.to[family].find(memory, at + (family === 4 ? 16 : 24));
    if (peer < 0) {
      this.#tally.add('noRoute');
      this.#teller.tell({ at, length, family }, 'no route');
    } else if (!takeHop(memory, at, family)) {
      this.#tally.add('noHops');
      this.#teller.tell({ at, length, family }, 'no hops left');
    } else {
      batch.aim(peer);
      const whole = totalLength(memory, at, family);
      if (!segment(memory, at, whole, family, this.#offload, batch)) this.#tally.add('malformed');
    }
  }

  #transmit(socket: UdpSocket, batch: Batch): void {
    const name = this.#table.names[batch.peer];
    if (!name) return;
    batch.name(name);
    const code = this.#sendMessage(socket.fd, batch.message);
    if (code === 0) this.#sent(batch.count, batch.bytes);
    else if (code === EMSGSIZE || code === EINVAL) this.#sendOneByOne(socket, batch, name);
    else if (code === EIO && batch.count > 1) {
      // The device it leaves through makes no checksums (ethtool -k: tx-checksumming), without which nothing is cut.
      batch.separate();
      this.#notice('the device packets leave through has no checksum offload, so each is sent by itself');
      this.#sendOneByOne(socket, batch, name);
    } else this.#tally.add('sendFailed', batch.count);
  }

  /** The path takes less than the device: each packet for itself, and what does not fit in fragments or not at all. */
  #sendOneByOne(socket: UdpSocket, batch: Batch, name: Buffer): void {
    const memory = this.#memory;
    const { fd, family } = socket;
    const at = this.#quoteAt;
    for (let n = 0; n < batch.count; n++) {
      batch.single(n);
      const code = this.#sendMessage(fd, batch.message);
      const length = batch.copy(n, at, icmpRoom);
      const size = totalLength(memory, at, family);
      if (code === 0) this.#sent(1, size);
      else if (code !== EMSGSIZE) this.#tally.add('sendFailed');
      else if (mustNotFragment(memory, at, family)) {
        this.#tally.add('tooLarge');
        const fits = (pathMtu(name, family) ?? size) - overhead[family];
        this.#teller.tell({ at, length, family }, 'too large', fits);
      } else {
        allowFragments(socket, true);
        if (this.#sendMessage(fd, batch.message) === 0) this.#sent(1, size);
        else this.#tally.add('sendFailed');
        allowFragments(socket, false);
      }
    }
  }

  /** 0, or why it was not sent. */
  #sendMessage(fd: number, message: number): number {
    const { address, words32, words16 } = this.#memory;
    for (let tries = 0; ; tries++) {
      if (calls.sendmsg(fd, message, 0) >= 0) return 0;
      const code = lastError();
      if (code === EINTR) continue;
      if (code !== wouldBlock || tries > 0) return code;
      words32[this.#pollAt >>> 2] = fd;
      words16[(this.#pollAt + 4) >>> 1] = poll.out;
      calls.poll(address + this.#pollAt, 1, patience);
    }
  }

  #sent(packets: number, bytes: number): void {
    this.#tally.add('sends');
    this.#tally.add('sentPackets', packets);
    this.#tally.add('sentBytes', bytes);
  }
}

/** What both directions work with. */
export interface Parts {
  readonly memory: Memory;
  readonly layout: Layout;
  readonly tun: Tun;
  readonly tally: Tally;
  readonly teller: Teller;
  readonly table: Table;
  /** Takes what an administrator should know. */
  readonly notice: (text: string) => void;
}

// The data plane: packets from the TUN device to peers and from peers to the device, until it is told to stop.
import { Batch, batchRoom } from './batch.ts';
import { Coalescer, coalescerRoom } from './coalesce.ts';
import { place } from './counters.ts';
import { createLimit, icmpRoom, mayAnswer, type Trouble, writeIcmp } from './icmp.ts';
import { Layout } from './layout.ts';
import type { Memory } from './memory.ts';
import { type Offload, offloadLength, readOffload } from './offload.ts';
import { familyAt, mustNotFragment, takeHop, totalLength } from './packet.ts';
import { Reception, receptionRoom } from './reception.ts';
import { noRoutes, type Table, tableOf } from './routes.ts';
import { segment } from './segment.ts';
import {
  allowFragments,
  calls,
  describe,
  EBADFD,
  EINTR,
  EINVAL,
  EMSGSIZE,
  lastError,
  pathMtu,
  poll,
  socketAddress,
  type Tun,
  type UdpSocket,
  wouldBlock,
} from './system.ts';

export interface PumpOptions {
  readonly memory: Memory;
  readonly tun: Tun;
  /** One of each family at most. */
  readonly sockets: readonly UdpSocket[];
  /** Of all nodes. */
  readonly port: number;
  /** Readable when somebody wants {@link PumpOptions.attend} to be called. */
  readonly wake: number;
  /** Returns false to stop. */
  readonly attend: () => boolean;
  /** As {@link place} has them. */
  readonly counts: Float64Array;
}

/** The device was removed. */
export class DeviceGone extends Error {
  override readonly name = 'DeviceGone';
}

/** How many packets of one direction before the other gets its turn. */
const turn = 64;
/** The largest packet, with the header before it. */
const packetRoom = 65_568;
const readRoom = 1 << 20;
/** How long sending waits for the kernel to have room, in milliseconds, before the packets are dropped. */
const patience = 5;
const outer = { 4: 28, 6: 48 } as const;
const pollEntry = 8;

export const pumpRoom =
  readRoom + 2 * batchRoom + coalescerRoom + receptionRoom + 5 * pollEntry + 2 * icmpRoom + 256;

export class Pump {
  readonly #options: PumpOptions;
  readonly #memory: Memory;
  readonly #counts: Float64Array;
  readonly #readAt: number;
  readonly #pollAt: number;
  /** An ICMP message with its offload header before it; a packet in one piece. */
  readonly #icmpAt: number;
  readonly #quoteAt: number;
  /** Our own address of each family. */
  readonly #ownAt: Readonly<Record<4 | 6, number>>;
  readonly #batches: Partial<Record<4 | 6, Batch>> = {};
  readonly #reception: Reception;
  readonly #coalescer: Coalescer | undefined;
  readonly #offload: Offload = { flags: 0, cut: 0, size: 0, sumFrom: 0, sumTo: 0 };
  readonly #mayTell = createLimit();
  #table: Table = tableOf(noRoutes);
  #names: readonly Buffer[] = [];

  constructor(options: PumpOptions) {
    const { memory, tun, sockets, wake } = options;
    this.#options = options;
    this.#memory = memory;
    this.#counts = options.counts;
    const layout = new Layout();
    this.#readAt = layout.take(readRoom);
    this.#pollAt = layout.take(5 * pollEntry);
    this.#icmpAt = layout.take(12 + icmpRoom) + 12;
    this.#quoteAt = layout.take(icmpRoom);
    this.#ownAt = { 4: layout.take(4), 6: layout.take(16) };
    this.#reception = new Reception(memory, layout.take(receptionRoom));
    const coalescerAt = layout.take(coalescerRoom);
    if (tun.offloads)
      this.#coalescer = new Coalescer(memory, coalescerAt, tun.udpToo, (pieces, packets, bytes) => {
        this.#delivered(calls.writev(tun.fd, pieces.address, pieces.count), packets, bytes);
      });
    for (const socket of sockets)
      this.#batches[socket.family] = new Batch(
        memory,
        layout.take(batchRoom),
        socket.segments,
        (batch, message) => this.#transmit(socket, batch, message),
      );
    for (const [at, fd] of [tun.fd, wake, ...sockets.map(({ fd }) => fd)].entries()) {
      memory.words32[(this.#pollAt + at * pollEntry) >>> 2] = fd;
      memory.words16[(this.#pollAt + at * pollEntry + 4) >>> 1] = poll.in;
    }
  }

  /** From the next packet on; the addresses are our own, as {@link Table.own} has their subnets. */
  route(table: Table, own: Readonly<Partial<Record<4 | 6, Uint8Array>>>): void {
    this.#table = table;
    this.#names = table.addresses.map(address => socketAddress(address, this.#options.port));
    for (const family of [4, 6] as const) {
      const address = own[family];
      if (address) this.#memory.bytes.set(address, this.#ownAt[family]);
    }
  }

  /** Returns when told to stop; throws {@link DeviceGone}. */
  run(): void {
    const { tun, sockets, wake, attend } = this.#options;
    const { words16, address } = this.#memory;
    const ready = (at: number) => words16[(this.#pollAt + at * pollEntry + 6) >>> 1] !== 0;
    const drain = this.#quoteAt + address;
    for (;;) {
      if (calls.poll(address + this.#pollAt, 2 + sockets.length, -1) < 0) {
        if (lastError() === EINTR) continue;
        throw new Error(`cannot wait for packets: ${describe(lastError())}`);
      }
      if (ready(1)) {
        calls.read(wake, drain, 64);
        if (!attend()) return;
      }
      if (ready(0)) this.#outbound(tun);
      for (let n = 0; n < sockets.length; n++) if (ready(2 + n)) this.#inbound(sockets[n] as UdpSocket);
    }
  }

  #outbound(tun: Tun): void {
    const memory = this.#memory;
    const lead = tun.offloads ? offloadLength : 0;
    let cursor = this.#readAt;
    for (let n = 0; n < turn; n++) {
      if (cursor + packetRoom > this.#readAt + readRoom) {
        this.#flush();
        cursor = this.#readAt;
      }
      // The packet begins at a multiple of 4, where sums are fast.
      const at = cursor + 12;
      const got = calls.read(tun.fd, memory.address + at - lead, packetRoom - 16);
      if (got < 0) {
        const code = lastError();
        if (code === EINTR) continue;
        if (code === EBADFD) throw new DeviceGone('the device was removed');
        break;
      }
      if (tun.offloads) readOffload(memory, at - lead, this.#offload);
      this.#send(at, got - lead);
      cursor = (at + got - lead + 3) & ~3;
    }
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
      this.#count(place.malformed);
      return;
    }
    const peer = this.#table.to[family].find(memory, at + (family === 4 ? 16 : 24));
    if (peer < 0) {
      this.#count(place.noRoute);
      this.#tell(at, length, family, 'no route', 0);
    } else if (!takeHop(memory, at, family)) {
      this.#count(place.noHops);
      this.#tell(at, length, family, 'no hops left', 0);
    } else {
      batch.aim(peer);
      const whole = totalLength(memory, at, family);
      if (!segment(memory, at, whole, family, this.#offload, batch)) this.#count(place.malformed);
    }
  }

  /** Tells the sender of a packet that came from our side. */
  #tell(at: number, length: number, family: 4 | 6, trouble: Trouble, mtu: number): void {
    const written = this.#write(at, length, family, trouble, mtu);
    if (written === 0) return;
    const { tun } = this.#options;
    const lead = tun.offloads ? offloadLength : 0;
    this.#memory.bytes.fill(0, this.#icmpAt - lead, this.#icmpAt);
    const address = this.#memory.address + this.#icmpAt - lead;
    if (calls.write(tun.fd, address, written + lead) >= 0) this.#count(place.icmpSent);
  }

  /** Tells the sender of a packet that came from a peer. */
  #tellPeer(at: number, length: number, family: 4 | 6): void {
    const written = this.#write(at, length, family, 'no hops left', 0);
    if (written === 0) return;
    this.#offload.flags = 0;
    this.#offload.cut = 0;
    this.#send(this.#icmpAt, written);
    this.#flush();
    this.#count(place.icmpSent);
  }

  #write(at: number, length: number, family: 4 | 6, trouble: Trouble, mtu: number): number {
    if (!mayAnswer(this.#memory, at, length, family) || !this.#mayTell(performance.now())) return 0;
    const packet = { at, length, family };
    return writeIcmp(this.#memory, this.#icmpAt, packet, trouble, this.#ownAt[family], mtu);
  }

  #transmit(socket: UdpSocket, batch: Batch, message: number): void {
    const name = this.#names[batch.peer];
    if (!name) return;
    batch.name(name);
    const code = this.#sendMessage(socket, message);
    if (code === 0) this.#sent(batch.count, batch.bytes);
    else if (code === EMSGSIZE || code === EINVAL) this.#sendOneByOne(socket, batch, name);
    else this.#count(place.sendFailed, batch.count);
  }

  /** The path takes less than the device: each packet for itself, and what does not fit in fragments or not at all. */
  #sendOneByOne(socket: UdpSocket, batch: Batch, name: Buffer): void {
    for (let n = 0; n < batch.count; n++) {
      const code = this.#sendMessage(socket, batch.single(n));
      const length = batch.copy(n, this.#quoteAt, icmpRoom);
      const size = totalLength(this.#memory, this.#quoteAt, socket.family);
      if (code === 0) this.#sent(1, size);
      else if (code !== EMSGSIZE) this.#count(place.sendFailed);
      else if (mustNotFragment(this.#memory, this.#quoteAt, socket.family)) {
        this.#count(place.tooLarge);
        const mtu = pathMtu(name, socket.family) ?? size;
        this.#tell(this.#quoteAt, length, socket.family, 'too large', mtu - outer[socket.family]);
      } else {
        allowFragments(socket, true);
        if (this.#sendMessage(socket, batch.single(n)) === 0) this.#sent(1, size);
        else this.#count(place.sendFailed);
        allowFragments(socket, false);
      }
    }
  }

  /** 0, or why it was not sent. */
  #sendMessage({ fd }: UdpSocket, message: number): number {
    const { address, words32, words16 } = this.#memory;
    for (let tries = 0; ; tries++) {
      if (calls.sendmsg(fd, address + message, 0) >= 0) return 0;
      const code = lastError();
      if (code === EINTR) continue;
      if (code !== wouldBlock || tries > 0) return code;
      const at = this.#pollAt + 4 * pollEntry;
      words32[at >>> 2] = fd;
      words16[(at + 4) >>> 1] = poll.out;
      calls.poll(address + at, 1, patience);
    }
  }

  #sent(packets: number, bytes: number): void {
    this.#count(place.sends);
    this.#count(place.sentPackets, packets);
    this.#count(place.sentBytes, bytes);
  }

  #inbound(socket: UdpSocket): void {
    const memory = this.#memory;
    const reception = this.#reception;
    for (let n = 0; n < turn; ) {
      if (!reception.receive(socket)) return;
      const { at, length, size } = reception;
      const peer = this.#table.from[socket.family].find(memory, reception.from);
      for (let from = 0; from < length || from === 0; from += size) {
        n++;
        if (peer < 0) this.#count(place.unknownPeer);
        else this.#receive(at + from, Math.min(size, length - from), peer);
        if (size === 0) break;
      }
      this.#coalescer?.flush();
    }
  }

  #receive(at: number, length: number, peer: number): void {
    const memory = this.#memory;
    const family = familyAt(memory, at, length);
    if (family === 0) {
      this.#count(place.malformed);
      return;
    }
    const [source, destination] = family === 4 ? [12, 16] : [8, 24];
    const whole = totalLength(memory, at, family);
    if (this.#table.to[family].find(memory, at + source) !== peer) this.#count(place.foreignSource);
    else if (this.#table.own[family].find(memory, at + destination) < 0)
      this.#count(place.foreignDestination);
    else if (!takeHop(memory, at, family)) {
      this.#count(place.noHops);
      this.#tellPeer(at, whole, family);
    } else if (this.#coalescer) this.#coalescer.add(at, whole, family);
    else this.#delivered(calls.write(this.#options.tun.fd, memory.address + at, whole), 1, whole);
  }

  #delivered(result: number, packets: number, bytes: number): void {
    if (result < 0) {
      this.#count(place.writeFailed, packets);
      return;
    }
    this.#count(place.writes);
    this.#count(place.receivedPackets, packets);
    this.#count(place.receivedBytes, bytes);
  }

  #count(which: number, by = 1): void {
    this.#counts[which] = (this.#counts[which] as number) + by;
  }
}

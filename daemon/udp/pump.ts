// The data plane: waits for packets of either direction, and for whoever wants to tell it something.
import { icmpRoom } from './icmp.ts';
import { Inbound, inboundRoom } from './inbound.ts';
import { Layout } from './layout.ts';
import type { Memory } from './memory.ts';
import { Outbound, outboundRoom } from './outbound.ts';
import type { UdpSocket } from './sockets.ts';
import { calls, describe, EINTR, lastError, poll } from './system.ts';
import type { Table } from './table.ts';
import { Tally } from './tally.ts';
import { Teller } from './teller.ts';
import type { Tun } from './tun.ts';

export interface PumpOptions {
  /** Of {@link pumpRoom} bytes. */
  readonly memory: Memory;
  readonly tun: Tun;
  /** One of each family at most. */
  readonly sockets: readonly UdpSocket[];
  /** Looked at for each packet. */
  readonly table: Table;
  /** Readable when somebody wants `attend` to be called. */
  readonly wake: number;
  /** Returns false to stop. */
  readonly attend: () => boolean;
  readonly counts: SharedArrayBuffer;
  /** Takes what an administrator should know. */
  readonly notice: (text: string) => void;
}

/** How many packets of one direction before the other gets its turn. */
const turn = 64;
/** After a round with no more packets than one and its answer, each that comes is hurried on, and not kept for others. */
const few = 2;
/** In so many rounds of which one looks whether there is more by now: in the others, a lone packet does not wait for it. */
const looks = 8;

export const pumpRoom = outboundRoom + inboundRoom + icmpRoom + 1024;

export class Pump {
  readonly #options: PumpOptions;
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #teller: Teller;
  readonly #pollAt: number;
  readonly #drainAt: number;

  constructor(options: PumpOptions) {
    const { memory, tun, sockets, table, wake, counts, notice } = options;
    this.#options = options;
    const layout = new Layout();
    const tally = new Tally(counts);
    this.#teller = new Teller(memory, layout, tun, tally);
    const parts = { memory, layout, tun, tally, teller: this.#teller, table, notice };
    this.#outbound = new Outbound(parts, sockets);
    this.#inbound = new Inbound(parts, (at, length) => this.#outbound.send(at, length));
    this.#drainAt = layout.take(64);
    this.#pollAt = layout.take(4 * poll.entry);
    for (const [at, fd] of [tun.fd, wake, ...sockets.map(({ fd }) => fd)].entries()) {
      memory.words32[(this.#pollAt + at * poll.entry) >>> 2] = fd;
      memory.words16[(this.#pollAt + at * poll.entry + 4) >>> 1] = poll.in;
    }
  }

  /** What senders are told comes from this address, given in the order of the network. */
  speakFrom(family: 4 | 6, address: Uint8Array): void {
    this.#teller.speakFrom(family, address);
  }

  /** Returns when told to stop; throws DeviceGone. */
  run(): void {
    const { memory, sockets, wake, attend } = this.#options;
    const { words16, address } = memory;
    let isCalm = true;
    let round = 0;
    const isReady = (at: number) => words16[(this.#pollAt + at * poll.entry + 6) >>> 1] !== 0;
    for (;;) {
      if (calls.poll(address + this.#pollAt, 2 + sockets.length, -1) < 0) {
        if (lastError() === EINTR) continue;
        throw new Error(`cannot wait for packets: ${describe(lastError())}`);
      }
      if (isReady(1)) {
        calls.read(wake, address + this.#drainAt, 64);
        if (!attend()) return;
      }
      const isLone = isCalm && ++round % looks !== 0;
      const most = isLone ? 1 : turn;
      let packets = 0;
      if (isReady(0)) packets += this.#outbound.carry(most, isCalm);
      for (const [n, socket] of sockets.entries()) {
        if (!isReady(2 + n)) continue;
        packets += this.#inbound.carry(socket, isCalm ? 1 : turn);
        // The answer to a lone packet is there as soon as that is delivered.
        if (isCalm) packets += this.#outbound.carry(most, true);
        if (isCalm && !isLone) packets += this.#inbound.carry(socket, turn);
      }
      if (!isLone) isCalm = packets <= few;
    }
  }
}

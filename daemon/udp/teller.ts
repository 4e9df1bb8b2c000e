// Tells senders what became of a packet, as a router does, and not too often.
import { createLimit, icmpRoom, mayAnswer, type Trouble, writeIcmp } from './icmp.ts';
import type { Layout } from './layout.ts';
import type { Memory } from './memory.ts';
import { offloadLength } from './offload.ts';
import { calls } from './system.ts';
import type { Tally } from './tally.ts';
import type { Tun } from './tun.ts';

/** A packet, or its beginning. */
export interface Packet {
  readonly at: number;
  readonly length: number;
  readonly family: 4 | 6;
}

export class Teller {
  readonly #memory: Memory;
  readonly #tun: Tun;
  readonly #tally: Tally;
  readonly #at: number;
  /** Our own address of each family. */
  readonly #own: Readonly<Record<4 | 6, number>>;
  readonly #may = createLimit();

  constructor(memory: Memory, layout: Layout, tun: Tun, tally: Tally) {
    this.#memory = memory;
    this.#tun = tun;
    this.#tally = tally;
    // An offload header goes before it.
    this.#at = layout.take(16 + icmpRoom) + 16;
    this.#own = { 4: layout.take(4), 6: layout.take(16) };
  }

  /** In the order of the network. */
  speakFrom(family: 4 | 6, address: Uint8Array): void {
    this.#memory.bytes.set(address, this.#own[family]);
  }

  /** Tells a sender on our side of the overlay; `mtu` says what would have fitted. */
  tell(packet: Packet, trouble: Trouble, mtu = 0): void {
    const message = this.compose(packet, trouble, mtu);
    if (!message) return;
    const lead = this.#tun.offloads ? offloadLength : 0;
    const at = message.at - lead;
    this.#memory.bytes.fill(0, at, message.at);
    if (calls.write(this.#tun.fd, this.#memory.address + at, message.length + lead) >= 0)
      this.#tally.add('icmpSent');
  }

  /** The message alone; undefined when nothing may be said. The next one takes its place. */
  compose(packet: Packet, trouble: Trouble, mtu = 0): Packet | undefined {
    const { at, length, family } = packet;
    if (!mayAnswer(this.#memory, at, length, family) || !this.#may(performance.now())) return undefined;
    const written = writeIcmp(this.#memory, this.#at, packet, trouble, this.#own[family], mtu);
    return { at: this.#at, length: written, family };
  }
}

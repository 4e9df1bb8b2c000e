// Joins packets of one flow that came together into one for the kernel: what GRO does for a network card.
import { type Candidate, createCandidate, inspect } from './candidate.ts';
import { fold, swap } from './checksum.ts';
import { Gather } from './gather.ts';
import type { Memory } from './memory.ts';
import { cut, needsChecksum, type Offload, offloadLength, writeOffload } from './offload.ts';
import { largest, mustNotFragment, protocol, pseudoSum, sealHeader4, tcpFlags } from './packet.ts';

/** Takes packets for the device: a table of pieces that begins with a struct virtio_net_hdr. */
export type Deliver = (pieces: Gather, packets: number, bytes: number) => void;

/** More than this many flows at once are rare, and then the oldest is delivered. */
const flowCount = 16;
/** Packets in one: a table of pieces has one entry more, for the headers. */
const most = 64;
const headerRoom = 256;

/** Bytes of memory a coalescer needs; at a multiple of 4. */
export const coalescerRoom = flowCount * (headerRoom + Gather.size(most + 1));

class Flow {
  readonly pieces: Gather;
  /** Where the headers are, after the virtio header. */
  readonly at: number;
  family: 4 | 6 = 4;
  proto = 0;
  l4 = 0;
  headers = 0;
  /** Of each packet but the last. */
  size = 0;
  payload = 0;
  packets = 0;
  /** The sequence number that continues it; of TCP. */
  next = 0;

  constructor(memory: Memory, at: number) {
    // The headers begin at a multiple of 4.
    this.at = at + 12;
    this.pieces = new Gather(memory, at + headerRoom, most + 1);
  }
}

export class Coalescer {
  readonly #memory: Memory;
  readonly #deliver: Deliver;
  readonly #joinsUdp: boolean;
  readonly #free: Flow[] = [];
  #open: Flow[] = [];
  readonly #candidate = createCandidate();
  readonly #offload: Offload = { flags: 0, cut: 0, size: 0, sumFrom: 0, sumTo: 0 };

  /** UDP is joined only where the kernel can cut it again. */
  constructor(memory: Memory, at: number, joinsUdp: boolean, deliver: Deliver) {
    this.#memory = memory;
    this.#deliver = deliver;
    this.#joinsUdp = joinsUdp;
    for (let n = 0; n < flowCount; n++)
      this.#free.push(new Flow(memory, at + n * (headerRoom + Gather.size(most + 1))));
  }

  /** A packet of `length` bytes, that must stay where it is until {@link flush}. The order within a flow is kept. */
  add(at: number, length: number, family: 4 | 6): void {
    const candidate = this.#candidate;
    const isPart = inspect(this.#memory, at, length, family, this.#joinsUdp, candidate);
    // Which flow a fragment belongs to, its ports would tell, and only the first one has them.
    if (candidate.isFragment) this.flush();
    const flow = this.#find(at, family, candidate);
    if (flow) {
      if (isPart && this.#continues(flow, at, candidate)) {
        this.#join(flow, at, candidate);
        return;
      }
      this.#end(flow);
    }
    this.#begin(at, length, family, isPart, candidate);
  }

  /** Delivers what is still open. */
  flush(): void {
    for (const flow of this.#open) this.#hand(flow);
    this.#open.length = 0;
  }

  /** The open flow of these addresses and ports. */
  #find(at: number, family: 4 | 6, { proto, l4 }: Candidate): Flow | undefined {
    if (proto === 0) return undefined;
    for (const flow of this.#open) {
      if (flow.family !== family || flow.proto !== proto) continue;
      const addresses = family === 4 ? 12 : 8;
      if (
        this.#same(flow.at + addresses, at + addresses, family === 4 ? 8 : 32) &&
        this.#same(flow.at + flow.l4, at + l4, 4)
      )
        return flow;
    }
    return undefined;
  }

  #continues(flow: Flow, at: number, { l4, headers, payload }: Candidate): boolean {
    const memory = this.#memory;
    const { bytes } = memory;
    if (flow.packets === most || flow.headers !== headers || payload > flow.size) return false;
    if (flow.payload !== flow.packets * flow.size || flow.headers + flow.payload + payload > largest)
      return false;
    if (flow.family === 4) {
      // Type of service, and the flags beside the fragment's offset; time to live.
      if (bytes[at + 1] !== bytes[flow.at + 1] || bytes[at + 8] !== bytes[flow.at + 8]) return false;
      if (bytes[at + 6] !== bytes[flow.at + 6]) return false;
      // Cut again, they are numbered one after another; where fragmentation is forbidden that means nothing (RFC 6864).
      const number = (memory.get16(flow.at + 4) + flow.packets) & 0xffff;
      if (!mustNotFragment(memory, at, 4) && memory.get16(at + 4) !== number) return false;
    } else {
      // Traffic class and flow label; hop limit.
      if (!this.#same(at, flow.at, 4) || bytes[at + 7] !== bytes[flow.at + 7]) return false;
    }
    if (flow.proto === protocol.udp) return true;
    if (memory.get32(at + l4 + 4) !== flow.next) return false;
    // The acknowledgement; the options.
    if (!this.#same(at + l4 + 8, flow.at + flow.l4 + 8, 4)) return false;
    if (!this.#same(at + l4 + 14, flow.at + flow.l4 + 14, 2)) return false;
    return this.#same(at + l4 + 20, flow.at + flow.l4 + 20, headers - l4 - 20);
  }

  #join(flow: Flow, at: number, { l4, headers, payload }: Candidate): void {
    const { bytes } = this.#memory;
    flow.pieces.add(at + headers, payload);
    flow.packets++;
    flow.payload += payload;
    flow.next = (flow.next + payload) >>> 0;
    if (flow.proto === protocol.tcp) {
      const pushed = (bytes[at + l4 + 13] as number) & tcpFlags.psh;
      const place = flow.at + flow.l4 + 13;
      bytes[place] = (bytes[place] as number) | pushed;
      if (pushed) this.#end(flow);
    }
  }

  #begin(at: number, length: number, family: 4 | 6, isPart: boolean, candidate: Candidate): void {
    if (this.#free.length === 0) this.#end(this.#open[0] as Flow);
    const flow = this.#free.pop() as Flow;
    const memory = this.#memory;
    const headers = isPart ? candidate.headers : 0;
    flow.family = family;
    flow.proto = candidate.proto;
    flow.l4 = candidate.l4;
    flow.headers = headers;
    flow.size = isPart ? candidate.payload : 0;
    flow.payload = length - headers;
    flow.packets = 1;
    memory.copy(flow.at, at, headers);
    flow.pieces.clear();
    flow.pieces.add(flow.at - offloadLength, offloadLength + headers);
    flow.pieces.add(at + headers, length - headers);
    if (!isPart) {
      this.#hand(flow);
      return;
    }
    if (flow.proto === protocol.tcp) flow.next = (memory.get32(at + flow.l4 + 4) + flow.payload) >>> 0;
    this.#open.push(flow);
    const pushed = flow.proto === protocol.tcp && (memory.bytes[at + flow.l4 + 13] as number) & tcpFlags.psh;
    if (pushed) this.#end(flow);
  }

  #end(flow: Flow): void {
    this.#open.splice(this.#open.indexOf(flow), 1);
    this.#hand(flow);
  }

  #hand(flow: Flow): void {
    const memory = this.#memory;
    const offload = this.#offload;
    const { at, l4, headers, payload, packets, family, proto } = flow;
    if (packets === 1) {
      offload.flags = 0;
      offload.cut = cut.none;
      offload.size = 0;
      offload.sumFrom = 0;
      offload.sumTo = 0;
    } else {
      const covered = headers - l4 + payload;
      if (family === 4) {
        memory.set16(at + 2, headers + payload);
        sealHeader4(memory, at);
      } else memory.set16(at + 4, headers - 40 + payload);
      offload.flags = needsChecksum;
      offload.size = flow.size;
      offload.sumFrom = l4;
      if (proto === protocol.tcp) {
        offload.cut = family === 4 ? cut.tcp4 : cut.tcp6;
        offload.sumTo = 16;
      } else {
        offload.cut = cut.udp;
        offload.sumTo = 6;
        memory.set16(at + l4 + 4, covered);
      }
      const partial = fold(pseudoSum(memory, at, family, proto, covered));
      memory.set16(at + l4 + offload.sumTo, swap(partial));
    }
    writeOffload(memory, at - offloadLength, offload, headers);
    this.#deliver(flow.pieces, packets, headers + payload);
    this.#free.push(flow);
  }

  #same(a: number, b: number, length: number): boolean {
    const { bytes } = this.#memory;
    for (let n = 0; n < length; n++) if (bytes[a + n] !== bytes[b + n]) return false;
    return true;
  }
}

// Cuts what the kernel left whole into packets for the wire: lengths, identification, sequence and checksums set anew.
import { checksum, sum, swap } from './checksum.ts';
import type { Memory } from './memory.ts';
import { cut, needsChecksum, type Offload } from './offload.ts';
import { protocol, pseudoSum, sealHeader4, tcpFlags } from './packet.ts';

/** Takes packets for the wire. */
export interface Wire {
  /** Room for the headers of one packet, of {@link mostHeaders} bytes, at a multiple of 4. */
  room(): number;
  /** One packet: these headers, then this payload. `headers` may be 0 bytes long. */
  packet(headersAt: number, headers: number, payloadAt: number, payload: number): void;
}

/** IPv6 with some extension headers, or IPv4 with all options, and TCP with all options. */
export const mostHeaders = 192;

/**
 * Gives `wire` the packets that the one at `at` stands for; the checksum is made where it was left out. Says whether
 * it could: what the kernel hands over is well-formed, but this does not go by that.
 */
export function segment(
  memory: Memory,
  at: number,
  length: number,
  family: 4 | 6,
  offload: Offload,
  wire: Wire,
): boolean {
  const { flags, sumFrom, sumTo } = offload;
  if (offload.cut === cut.none) {
    if (flags & needsChecksum) {
      if (sumFrom + sumTo + 2 > length) return false;
      seal(memory, at + sumFrom, length - sumFrom, sumTo);
    }
    wire.packet(at, 0, at, length);
    return true;
  }
  const isTcp = offload.cut !== cut.udp;
  if (isTcp && offload.cut !== (family === 4 ? cut.tcp4 : cut.tcp6)) return false;
  if (offload.size === 0 || sumFrom < 20 || sumFrom + (isTcp ? 20 : 8) > length) return false;
  const headers = sumFrom + (isTcp ? ((memory.bytes[at + sumFrom + 12] as number) >>> 4) * 4 : 8);
  if (headers > length || headers > mostHeaders || headers < sumFrom + (isTcp ? 20 : 8)) return false;
  cutUp(memory, at, length, family, offload, headers, isTcp, wire);
  return true;
}

/** The field holds the sum over the pseudo header already. 0 is how UDP says "no checksum", so it becomes its equal. */
function seal(memory: Memory, l4: number, length: number, sumTo: number): void {
  const value = checksum(sum(memory, l4, length));
  memory.set16(l4 + sumTo, swap(value || 0xffff));
}

function cutUp(
  memory: Memory,
  at: number,
  length: number,
  family: 4 | 6,
  { size, sumFrom }: Offload,
  headers: number,
  isTcp: boolean,
  wire: Wire,
): void {
  const { bytes } = memory;
  const payload = length - headers;
  const sequence = isTcp ? memory.get32(at + sumFrom + 4) : 0;
  const id = memory.get16(at + 4);
  const proto = isTcp ? protocol.tcp : protocol.udp;
  const field = isTcp ? 16 : 6;
  for (let from = 0, n = 0; from < payload; from += size, n++) {
    const part = Math.min(size, payload - from);
    const copy = wire.room();
    const l4 = copy + sumFrom;
    const data = at + headers + from;
    memory.copy(copy, at, headers);
    if (family === 4) {
      memory.set16(copy + 2, headers + part);
      memory.set16(copy + 4, id + n);
      sealHeader4(memory, copy);
    } else memory.set16(copy + 4, headers - 40 + part);
    if (isTcp) {
      memory.set32(l4 + 4, sequence + from);
      let flags = bytes[l4 + 13] as number;
      if (from + part < payload) flags &= ~(tcpFlags.fin | tcpFlags.psh);
      if (from > 0) flags &= ~tcpFlags.cwr;
      bytes[l4 + 13] = flags;
    } else memory.set16(l4 + 4, 8 + part);
    memory.set16(l4 + field, 0);
    const covered = headers - sumFrom + part;
    const total =
      pseudoSum(memory, copy, family, proto, covered) +
      sum(memory, l4, headers - sumFrom) +
      sum(memory, data, part);
    memory.set16(l4 + field, swap(checksum(total) || 0xffff));
    wire.packet(copy, headers, data, part);
  }
}

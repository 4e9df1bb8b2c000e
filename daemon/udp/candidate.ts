// What a packet is, as far as joining it with others goes.
import { fold, sum } from './checksum.ts';
import type { Memory } from './memory.ts';
import { headerLength4, isFragment4, isIntact, protocol, tcpFlags } from './packet.ts';

export interface Candidate {
  /** Of TCP or UDP; 0 for everything that belongs to no flow. */
  proto: number;
  /** Where TCP or UDP begins, from the start of the packet. */
  l4: number;
  /** The length of all headers. */
  headers: number;
  payload: number;
  isFragment: boolean;
}

export function createCandidate(): Candidate {
  return { proto: 0, l4: 0, headers: 0, payload: 0, isFragment: false };
}

/**
 * Reads into `candidate`, so that none is made for each packet. Says whether the packet may be a part of something
 * larger: nothing about it is special, and its checksums hold, as nobody will look at them again.
 */
export function inspect(
  memory: Memory,
  at: number,
  length: number,
  family: 4 | 6,
  joinsUdp: boolean,
  candidate: Candidate,
): boolean {
  const { bytes } = memory;
  const l4 = family === 4 ? headerLength4(memory, at) : 40;
  const proto = bytes[at + (family === 4 ? 9 : 6)] as number;
  const isTcp = proto === protocol.tcp;
  candidate.proto = 0;
  candidate.l4 = l4;
  candidate.isFragment = family === 4 && isFragment4(memory, at);
  if (candidate.isFragment || !(isTcp || proto === protocol.udp)) return false;
  const least = isTcp ? 20 : 8;
  if (length < l4 + least) return false;
  const headers = l4 + (isTcp ? ((bytes[at + l4 + 12] as number) >>> 4) * 4 : 8);
  if (headers < l4 + least || headers > length) return false;
  candidate.proto = proto;
  candidate.headers = headers;
  candidate.payload = length - headers;
  if (candidate.payload === 0) return false;
  if (family === 4 && (l4 !== 20 || fold(sum(memory, at, 20)) !== 0xffff)) return false;
  if (isTcp) {
    const flags = (bytes[at + l4 + 13] as number) & ~tcpFlags.psh;
    if (flags !== tcpFlags.ack) return false;
  } else {
    const says = memory.get16(at + l4 + 4);
    const hasSum = memory.get16(at + l4 + 6) !== 0;
    if (!joinsUdp || !hasSum || says !== length - l4) return false;
  }
  return isIntact(memory, at, family, proto, at + l4, length - l4);
}

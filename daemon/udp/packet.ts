// Where things are in an IP packet, and whether a packet is what it says. Lengths and offsets in bytes.
import { checksum, fold, sum, swap } from './checksum.ts';
import type { Memory } from './memory.ts';

export const protocol = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;

export const tcpFlags = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  cwr: 0x80,
} as const;

/** The largest packet IPv4 can carry (RFC 791). */
export const largest = 65_535;

/** Of the packet at `at`; 0 when it is neither of IPv4 nor of IPv6, or damaged: not as long as it says, at the least. */
export function familyAt(memory: Memory, at: number, length: number): 4 | 6 | 0 {
  if (length < 20) return 0;
  const version = (memory.bytes[at] as number) >>> 4;
  if (version === 4) {
    const header = headerLength4(memory, at);
    const total = memory.get16(at + 2);
    return header >= 20 && total >= header && total <= length ? 4 : 0;
  }
  return version === 6 && length >= 40 && 40 + memory.get16(at + 4) <= length ? 6 : 0;
}

export function headerLength4(memory: Memory, at: number): number {
  return ((memory.bytes[at] as number) & 0x0f) * 4;
}

/** What the packet itself says, which may be less than what came. */
export function totalLength(memory: Memory, at: number, family: 4 | 6): number {
  return family === 4 ? memory.get16(at + 2) : 40 + memory.get16(at + 4);
}

/** Whether it is a part of a larger packet, or the first of them. */
export function isFragment4(memory: Memory, at: number): boolean {
  return (memory.get16(at + 6) & 0x3fff) !== 0;
}

export function isLaterFragment4(memory: Memory, at: number): boolean {
  return (memory.get16(at + 6) & 0x1fff) !== 0;
}

/** Whether the sender forbids fragmentation; of IPv6 all do. */
export function mustNotFragment(memory: Memory, at: number, family: 4 | 6): boolean {
  return family === 6 || ((memory.bytes[at + 6] as number) & 0x40) !== 0;
}

/** Takes one hop off; says whether any is left. IPv4's header checksum follows (RFC 1624). */
export function takeHop(memory: Memory, at: number, family: 4 | 6): boolean {
  const place = at + (family === 4 ? 8 : 7);
  const hops = memory.bytes[place] as number;
  if (hops <= 1) return false;
  memory.bytes[place] = hops - 1;
  if (family === 4) memory.set16(at + 10, fold(memory.get16(at + 10) + 0x0100));
  return true;
}

/** The header's checksum, over whatever stands in its place now. */
export function sealHeader4(memory: Memory, at: number): void {
  memory.set16(at + 10, 0);
  memory.set16(at + 10, swap(checksum(sum(memory, at, headerLength4(memory, at)))));
}

/** Sum over the addresses, the protocol and a length: what TCP and UDP checksums cover beside themselves. */
export function pseudoSum(memory: Memory, at: number, family: 4 | 6, proto: number, length: number): number {
  const addresses = family === 4 ? sum(memory, at + 12, 8) : sum(memory, at + 8, 32);
  return addresses + swap(proto) + swap(length);
}

/** Whether the TCP or UDP checksum of an unfragmented packet holds. `l4` is where that header is, `length` what follows. */
export function isIntact(
  memory: Memory,
  at: number,
  family: 4 | 6,
  proto: number,
  l4: number,
  length: number,
): boolean {
  return fold(pseudoSum(memory, at, family, proto, length) + sum(memory, l4, length)) === 0xffff;
}

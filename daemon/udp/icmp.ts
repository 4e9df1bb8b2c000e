// What a router tells the sender of a packet it cannot forward (RFC 792, RFC 4443), and when it has to keep silent.
import { checksum, sum, swap } from './checksum.ts';
import type { Memory } from './memory.ts';
import { headerLength4, isLaterFragment4, protocol, pseudoSum, sealHeader4 } from './packet.ts';

export type Trouble = 'no route' | 'no hops left' | 'too large';

const codes4 = { 'no route': [3, 0], 'no hops left': [11, 0], 'too large': [3, 4] } as const;
const codes6 = { 'no route': [1, 0], 'no hops left': [3, 0], 'too large': [2, 0] } as const;

/** With it, what is sent fits the smallest packet everybody takes (RFC 1812, 4.3.2.3; RFC 4443, 2.4 c). */
const mostBytes = { 4: 576, 6: 1280 } as const;
/** Room that {@link writeIcmp} needs. */
export const icmpRoom = 1280;
const timeToLive = 64;

/** Nothing is said about errors, later fragments, groups of receivers, and senders that are nobody. */
export function mayAnswer(memory: Memory, at: number, length: number, family: 4 | 6): boolean {
  const { bytes } = memory;
  if (family === 4) {
    if (isLaterFragment4(memory, at) || isGroup4(memory.get32(at + 16)) || isNobody4(memory.get32(at + 12)))
      return false;
    const l4 = at + headerLength4(memory, at);
    if (bytes[at + 9] !== protocol.icmp) return true;
    // Echo requests and the like may be answered; with nothing of its header there, nobody can tell.
    return l4 < at + length && [0, 8, 13, 15, 17].includes(bytes[l4] as number);
  }
  const isGroup = bytes[at + 24] === 0xff;
  const isUnspecified = bytes.subarray(at + 8, at + 24).every(byte => byte === 0);
  if (isGroup || isUnspecified || bytes[at + 8] === 0xff) return false;
  return bytes[at + 6] !== protocol.icmp6 || (length > 40 && (bytes[at + 40] as number) >= 128);
}

/** Multicast and what lies beyond, or this network. */
function isGroup4(address: number): boolean {
  return address >>> 28 >= 0xe;
}

function isNobody4(address: number): boolean {
  const first = address >>> 24;
  return first === 0 || first === 127 || isGroup4(address);
}

/**
 * Writes the packet that tells of the one at `at`, from the address that stands at `from`, to `to`; returns its length.
 * `mtu` is what would have fitted, where something is too large.
 */
export function writeIcmp(
  memory: Memory,
  to: number,
  { at, length, family }: { at: number; length: number; family: 4 | 6 },
  trouble: Trouble,
  from: number,
  mtu: number,
): number {
  const { bytes } = memory;
  const ip = family === 4 ? 20 : 40;
  const quoted = Math.min(length, mostBytes[family] - ip - 8);
  const [type, code] = family === 4 ? codes4[trouble] : codes6[trouble];
  const total = ip + 8 + quoted;
  bytes.fill(0, to, to + ip + 8);
  if (family === 4) {
    bytes[to] = 0x45;
    memory.set16(to + 2, total);
    bytes[to + 8] = timeToLive;
    bytes[to + 9] = protocol.icmp;
    memory.copy(to + 12, from, 4);
    memory.copy(to + 16, at + 12, 4);
    sealHeader4(memory, to);
  } else {
    bytes[to] = 0x60;
    memory.set16(to + 4, 8 + quoted);
    bytes[to + 6] = protocol.icmp6;
    bytes[to + 7] = timeToLive;
    memory.copy(to + 8, from, 16);
    memory.copy(to + 24, at + 8, 16);
  }
  const icmp = to + ip;
  bytes[icmp] = type;
  bytes[icmp + 1] = code;
  if (trouble === 'too large') {
    if (family === 4) memory.set16(icmp + 6, mtu);
    else memory.set32(icmp + 4, mtu);
  }
  memory.copy(icmp + 8, at, quoted);
  const covered = sum(memory, icmp, 8 + quoted);
  const over = family === 4 ? covered : covered + pseudoSum(memory, to, 6, protocol.icmp6, 8 + quoted);
  memory.set16(icmp + 2, swap(checksum(over)));
  return total;
}

/** At most so many at once, and so many in a second, as Linux limits its own (icmp_msgs_burst, icmp_msgs_per_sec). */
const limit = { burst: 50, perSecond: 1000 };

/** Says whether one more may be sent; `now` in milliseconds. */
export function createLimit(): (now: number) => boolean {
  let left = limit.burst;
  let before = 0;
  return now => {
    left = Math.min(limit.burst, left + ((now - before) * limit.perSecond) / 1000);
    before = now;
    if (left < 1) return false;
    left--;
    return true;
  };
}

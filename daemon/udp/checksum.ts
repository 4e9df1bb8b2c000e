// Internet checksums (RFC 1071), as sums of 16-bit words in the byte order of the machine: sums may be added and folded.
import type { Memory } from './memory.ts';

/**
 * The sum of `length` bytes, at most 64 KiB, as if they began at an even place. Not folded, below 2^48.
 */
export function sum(memory: Memory, at: number, length: number): number {
  if (length <= 0) return 0;
  // Words that straddle the machine's words sum to the same, byte-swapped (RFC 1071, section 2 B).
  if (at & 1) return swap(fold((memory.bytes[at] as number) * 256 + sum(memory, at + 1, length - 1)));
  const { words16, words32, bytes } = memory;
  let total = 0;
  let from = at;
  let left = length;
  if (from & 2 && left >= 2) {
    total += words16[from >>> 1] as number;
    from += 2;
    left -= 2;
  }
  let word = from >>> 2;
  const end = word + (left >>> 2);
  // 32-bit words sum to the same, and are exact as numbers far beyond 64 KiB of them; side by side they do not wait
  // for each other.
  let a = total;
  let b = 0;
  let c = 0;
  let d = 0;
  for (; word + 7 < end; word += 8) {
    a += (words32[word] as number) + (words32[word + 4] as number);
    b += (words32[word + 1] as number) + (words32[word + 5] as number);
    c += (words32[word + 2] as number) + (words32[word + 6] as number);
    d += (words32[word + 3] as number) + (words32[word + 7] as number);
  }
  for (; word < end; word++) a += words32[word] as number;
  total = a + b + c + d;
  from = Math.max(from, end << 2);
  left &= 3;
  if (left >= 2) {
    total += words16[from >>> 1] as number;
    from += 2;
    left -= 2;
  }
  return left ? total + (bytes[from] as number) : total;
}

/** To 16 bits, from at most 2^48. */
export function fold(total: number): number {
  let folded = Math.floor(total / 0x10000) + (total % 0x10000);
  if (folded > 0xffffffff) folded = Math.floor(folded / 0x10000) + (folded % 0x10000);
  while (folded > 0xffff) folded = (folded >>> 16) + (folded & 0xffff);
  return folded;
}

/** What stands in a checksum field, in the byte order of the machine. */
export function checksum(total: number): number {
  return ~fold(total) & 0xffff;
}

/** The word a big-endian 16-bit number is, in the byte order of the machine; and back. */
export function swap(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

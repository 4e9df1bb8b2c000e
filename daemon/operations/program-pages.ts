// Gives the kernel back the pages of the program's file that only the start needed.
import { readFileSync } from 'node:fs';

/** MADV_DONTNEED of <sys/mman.h>: what was not written is read again, out of the page cache, when it is used again. */
const dontNeed = 4;

export interface Mapping {
  readonly address: bigint;
  /** Bytes. */
  readonly size: bigint;
}

/** Makes this process's memory smaller by what it has mapped of its program. Throws where /proc cannot be read. */
export async function releaseProgramPages(): Promise<void> {
  const mappings = unwritten(readFileSync('/proc/self/smaps', 'latin1'), process.execPath);
  const { default: koffi } = await import('koffi');
  const madvise = koffi.load(null).func('int madvise(uintptr_t address, size_t size, int advice)');
  // Advice that is not taken costs nothing but memory.
  for (const { address, size } of mappings) madvise(address, size, dontNeed);
}

/** The mappings of `file` of which nothing was written, of a text in the format of /proc/<pid>/smaps (proc(5)). */
export function unwritten(smaps: string, file: string): Mapping[] {
  return smaps.split(/\n(?=[0-9a-f]+-)/).flatMap(entry => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-.p \S+ \S+ \d+ +(.*)$/m.exec(entry) ?? [];
    if (from === undefined || to === undefined || path !== file || !/^Anonymous: +0 kB$/m.test(entry))
      return [];
    const address = BigInt(`0x${from}`);
    return [{ address, size: BigInt(`0x${to}`) - address }];
  });
}

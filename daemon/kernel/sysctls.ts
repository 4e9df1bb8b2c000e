// Kernel settings below /proc/sys, as this process's network namespace has them.
import { readFile, writeFile } from 'node:fs/promises';

export interface Sysctls {
  /** Undefined when the kernel has no such setting. */
  read(path: string): Promise<string | undefined>;
  /** Rejects when it cannot be written. */
  write(path: string, value: string): Promise<void>;
}

export const procSysctls: Sysctls = {
  async read(path) {
    try {
      return (await readFile(`/proc/sys/${path}`, 'utf8')).trim();
    } catch {
      return undefined;
    }
  },
  write: (path, value) => writeFile(`/proc/sys/${path}`, value),
};

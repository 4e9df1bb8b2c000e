// Kernel settings below /proc/sys, as this process's network namespace has them.
import { readFileSync, writeFileSync } from 'node:fs';

export interface Sysctls {
  /** Undefined when the kernel has no such setting. */
  read(path: string): Promise<string | undefined>;
  /** Rejects when it cannot be written. */
  write(path: string, value: string): Promise<void>;
}

export const procSysctls: Sysctls = {
  async read(path) {
    try {
      return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
    } catch {
      return undefined;
    }
  },
  write: async (path, value) => writeFileSync(`/proc/sys/${path}`, value),
};

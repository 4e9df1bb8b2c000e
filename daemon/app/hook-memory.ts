// Which peers the commands have been run for, kept while this host is up: some may be gone when the daemon starts again.
import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import type { Target } from '../hooks/targets.ts';
import { writeAtomically } from './files.ts';
import { hostIdentity } from './memory.ts';

const memory = z.object({
  /** Which host wrote it, since which boot: what commands did to the network ends with that. */
  host: z.string(),
  targets: z.array(
    z.object({
      key: z.string(),
      variables: z.record(z.string(), z.optional(z.string())),
      data: z.string(),
      identity: z.string(),
    }),
  ),
});

export interface HookMemory {
  /** None when nothing that can be read was written since this host came up. */
  read(): Promise<readonly Target[]>;
  /** Does nothing when the same was written last. Throws when it cannot be written. */
  write(targets: readonly Target[]): void;
}

/** Beside subnet.env, as the memory of the lease is. */
export function createHookMemory(subnetFile: string): HookMemory {
  const path = `${subnetFile}.peers`;
  let written = '';
  return {
    async read() {
      try {
        const { host, targets } = memory.parse(JSON.parse(readFileSync(path, 'utf8')));
        return host === hostIdentity() ? targets : [];
      } catch {
        return [];
      }
    },
    write(targets) {
      const text = `${JSON.stringify({ host: hostIdentity(), targets })}\n`;
      if (text === written) return;
      writeAtomically(path, text);
      written = text;
    },
  };
}

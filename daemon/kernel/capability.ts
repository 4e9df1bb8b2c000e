// What this process may do to the network, as far as that can be told without trying.
import { readFileSync } from 'node:fs';

/** CAP_NET_ADMIN, the number of its bit (capabilities(7)). */
const netAdmin = 12n;

/**
 * Whether the process may change the network; undefined when only trying can tell, as in a user namespace, whose
 * capabilities count for the networks made in it and for no others.
 */
export function mayAdminister(status: string, uidMap: string): boolean | undefined {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return undefined;
  if (!((BigInt(`0x${effective}`) >> netAdmin) & 1n)) return false;
  const isHost = /^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
  return isHost ? true : undefined;
}

/** As {@link mayAdminister}, of this process. */
export function permission(): boolean | undefined {
  try {
    return mayAdminister(
      readFileSync('/proc/self/status', 'utf8'),
      readFileSync('/proc/self/uid_map', 'utf8'),
    );
  } catch {
    return undefined;
  }
}

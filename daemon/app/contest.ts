// Finds out whether somebody else lives at our public IP, before a lease that has it is taken for our own.
import { UserError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { sleep } from '../../lib/wait.ts';
import { addressOf, type Lease } from '../model/lease.ts';
import type { LeaseStore } from '../store/lease-store.ts';

export interface Contest {
  readonly store: LeaseStore;
  /** Seconds. */
  readonly ttl: number;
  readonly log: Logger;
}

/** What to do about two nodes with one public IP. */
export const shareHint =
  'give each node an address of its own, with -iface=<name or address> or -public-ip=<address>';

/** How long a living holder may take to answer, in milliseconds: it hears of the write at once and rewrites. */
const answerTime = 1000;
const interval = 50;

/**
 * Writes the record again just as it is, which changes nothing for peers; a holder that lives rewrites its record
 * when someone else has written it. Silence means that the record is our own, from before this host was set up anew
 * (or of a Go flanneld, which does not answer). Returns the lease as it is then, undefined when it changed before
 * the question was put; rejects with a UserError when there is an answer.
 */
export async function contest(
  { store, ttl, log }: Contest,
  found: Lease,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const ip = addressOf(found);
  log.info('a lease has my public IP, asking whether somebody else holds it', {
    key: found.key,
    publicIp: ip,
  });
  const asked = await store.renew(found, found, ttl, signal);
  if (!asked.won) return undefined;
  for (let waited = 0; waited < answerTime; waited += interval) {
    await sleep(interval, signal);
    const now = await store.get(found.key, signal);
    if (now?.revision === asked.lease.revision) continue;
    if (!now) return undefined;
    throw new UserError(`another node has the public IP ${ip}: it holds ${found.key} and is alive`, {
      hint: shareHint,
    });
  }
  return asked.lease;
}

// Keeps the lease: renews it in time, puts it back when it vanished, and never writes over another owner.

import type { Bell } from '../../lib/bell.ts';
import { UserError } from '../../lib/errors.ts';
import { formatCidr4, formatIp4 } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import type { Random } from '../model/allocate.ts';
import { type Lease, type LeaseTerms, sameTerms } from '../model/lease.ts';
import type { LeaseView } from '../model/lease-view.ts';
import { backoff, renewAfter } from '../model/renewal.ts';
import { type Claim, type LeaseStore, StoreError } from '../store/lease-store.ts';
import type { Held } from './acquire.ts';

export interface Keeping {
  readonly store: LeaseStore;
  readonly terms: LeaseTerms;
  /** Seconds. */
  readonly ttl: number;
  /** Seconds before expiry. */
  readonly margin: number;
  readonly random: Random;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly log: Logger;
  /** What the watch last told; undefined before it told anything. */
  readonly view: () => LeaseView | undefined;
  /** Rings when the view changed. */
  readonly bell: Bell;
}

/** Longer sleeps are cut up, so that a host that was suspended notices within this time; milliseconds. */
const longestSleep = 600_000;

/** Ends only by throwing: a UserError when another node holds our subnet, the signal's reason when it aborts. */
export async function keepLease(keeping: Keeping, held: Held, signal: AbortSignal): Promise<never> {
  const { now, bell, log } = keeping;
  const wait = backoff(500, Math.max(1000, Math.min(30_000, keeping.margin * 250)), keeping.random);
  let current = held;
  let due = dueAt(keeping, held);
  let doubtful = false;
  for (;;) {
    const pause = doubtful ? wait.next() : Math.min(due - now(), longestSleep);
    await bell.heard(pause, signal);
    if (now() < due && !doubtful && !isSuspect(keeping, current.lease)) continue;
    try {
      const attempt = { ...keeping, say: doubtful ? log.debug : log.warn };
      const next =
        now() >= due ? await renew(attempt, current, signal) : await verify(attempt, current, signal);
      if (next !== current) due = dueAt(keeping, next);
      current = next;
      doubtful = false;
      wait.reset();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.debug('could not see after the lease, trying again', { error: error.message });
      doubtful = true;
    }
  }
}

function dueAt({ margin, random }: Keeping, { since, ttl }: Held): number {
  return ttl === Infinity ? Infinity : since + renewAfter({ ttl, margin }, random) * 1000;
}

/** Whether the watch tells something else about our lease than what we wrote. It may simply be behind. */
function isSuspect({ view, terms }: Keeping, lease: Lease): boolean {
  const leases = view();
  if (!leases) return false;
  const seen = leases.get(lease.key);
  return !seen || !sameTerms(seen, terms);
}

interface Attempt extends Keeping {
  /** Quiet when the same was said before. */
  readonly say: Logger['warn'];
}

async function renew(keeping: Attempt, held: Held, signal: AbortSignal): Promise<Held> {
  const { store, terms, ttl, now, log } = keeping;
  const since = now();
  const claim = await store.renew(held.lease, terms, ttl, signal);
  if (!claim.won) return recover(keeping, held, claim.holder, signal);
  log.info('lease renewed', { subnet: formatCidr4(held.lease.subnet) });
  return { lease: claim.lease, ttl: claim.ttl, since };
}

async function verify(keeping: Attempt, held: Held, signal: AbortSignal): Promise<Held> {
  const holder = await keeping.store.get(held.lease.key, signal);
  if (holder?.revision === held.lease.revision) return held;
  return recover(keeping, held, holder, signal);
}

/** The record is not as we left it: `holder` is what it says now, undefined when it is gone or unreadable. */
async function recover(
  keeping: Attempt,
  held: Held,
  holder: Lease | undefined,
  signal: AbortSignal,
): Promise<Held> {
  const { store, terms, ttl, now, log, say } = keeping;
  const subnet = formatCidr4(held.lease.subnet);
  if (holder && holder.publicIp !== terms.publicIp) throw lost(subnet, holder);
  const since = now();
  let claim: Claim;
  if (!holder) {
    say('my lease is gone, taking the same subnet again', { subnet });
    claim = await store.claim(held.lease.subnet, terms, ttl, signal);
  } else {
    if (!sameTerms(holder, terms))
      say(
        'my lease was rewritten by someone with my public IP, restoring it; do two nodes share the address?',
        {
          subnet,
          publicIp: formatIp4(terms.publicIp),
        },
      );
    claim = await store.renew(holder, terms, ttl, signal);
  }
  if (claim.won) {
    log.info('lease restored', { subnet });
    return { lease: claim.lease, ttl: claim.ttl, since };
  }
  if (claim.holder && claim.holder.publicIp !== terms.publicIp) throw lost(subnet, claim.holder);
  throw new StoreError(`the record of ${subnet} keeps changing or cannot be read`);
}

function lost(subnet: string, { publicIp }: Lease): UserError {
  return new UserError(`my subnet ${subnet} was leased to ${formatIp4(publicIp)} while my lease had lapsed`, {
    hint: 'start again to get another subnet; containers on this node need new addresses',
  });
}

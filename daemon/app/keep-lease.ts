// Keeps the lease: renews it in time, puts it back when it vanished, and never writes over another owner.
import type { Bell } from '../../lib/bell.ts';
import { changedSpan } from '../../lib/changed-span.ts';
import { UserError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Random } from '../model/allocate.ts';
import {
  addressOf,
  type Holding,
  type Lease,
  type LeaseTerms,
  olderRival,
  sameNode,
  sameTerms,
} from '../model/lease.ts';
import { emptyView, type LeaseView, leaseIn } from '../model/lease-view.ts';
import { backoff, renewAfter } from '../model/renewal.ts';
import type { Happening, Observe } from '../operations/happening.ts';
import { type Claim, type LeaseStore, recordsOf, StoreError } from '../store/lease-store.ts';
import { isReadable } from '../store/read-record.ts';
import { type Held, subnetsText } from './acquire.ts';
import { shareHint } from './contest.ts';

export interface Keeping {
  readonly store: LeaseStore;
  /** What we publish; it may change while we run. */
  readonly terms: () => LeaseTerms;
  /** Seconds. */
  readonly ttl: number;
  /** Seconds before expiry. */
  readonly margin: number;
  readonly random: Random;
  /** Milliseconds, monotonic, going on while the host is suspended. */
  readonly now: () => number;
  readonly log: Logger;
  /** What the watch last told; undefined before it told anything. */
  readonly view: () => LeaseView | undefined;
  /** Rings when the view or the terms changed. */
  readonly bell: Bell;
  /** Told of each lease that was written with new terms. */
  readonly written: (lease: Lease) => void;
  readonly observe: Observe;
}

/** Timers stand still while the host is suspended: cut up, they notice within this time of its return; milliseconds. */
const longestSleep = 60_000;

/** Ends only by throwing: a UserError when another node holds our subnet, the signal's reason when it aborts. */
export async function keepLease(keeping: Keeping, held: Held, signal: AbortSignal): Promise<never> {
  const { now, bell, log, terms } = keeping;
  const wait = backoff(500, Math.max(1000, Math.min(30_000, keeping.margin * 250)), keeping.random);
  const quarrel = createQuarrel(keeping);
  let current = held;
  let due = firstDueAt(keeping, held);
  let doubtful = false;
  /** Where no rival was found since we last wrote what we publish. */
  let searched = emptyView;
  for (;;) {
    if (held.isNew) searched = await refuseRival(keeping, held, current, searched, signal);
    const pause = doubtful ? wait.next() : Math.min(due - now(), longestSleep);
    await bell.heard(pause, signal);
    const isDue = now() >= due || !sameTerms(current.lease, terms());
    if (!isDue && !doubtful && !isSuspect(keeping, current.lease)) continue;
    try {
      const attempt = { ...keeping, say: doubtful ? log.debug : log.warn, quarrel };
      const next = isDue ? await renew(attempt, current, signal) : await verify(attempt, current, signal);
      if (isDue) keeping.observe({ kind: 'renewal', succeeded: true });
      if (next !== current) {
        due = dueAt(keeping, next);
        searched = emptyView;
        keeping.observe(heldUntil(next));
      }
      if (!sameTerms(next.lease, current.lease)) keeping.written(next.lease);
      current = next;
      doubtful = false;
      wait.reset();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.debug('could not see after the lease, trying again', { error: error.message });
      if (isDue) keeping.observe({ kind: 'renewal', succeeded: false });
      doubtful = true;
    }
  }
}

/** What holding a lease means to those who watch the daemon. */
export function heldUntil({ lease, since, ttl }: Held): Happening {
  return { kind: 'lease', subnet: subnetsText(lease.subnets), expires: since + ttl * 1000 };
}

function dueAt({ margin, random }: Keeping, { since, ttl }: Held): number {
  return ttl === Infinity ? Infinity : since + renewAfter({ ttl, margin }, random) * 1000;
}

/** When a lease that is new is written a second time: so many milliseconds later, and up to so many more at random. */
const secondWrite = { after: 3000, within: 3000 };

/**
 * Peers of flannel 0.20 read one event of each answer of etcd, and so may have missed the first write; the
 * next one could be a day away.
 */
function firstDueAt(keeping: Keeping, held: Held): number {
  const due = dueAt(keeping, held);
  if (!held.isNew || due === Infinity) return due;
  return Math.min(due, held.since + secondWrite.after + keeping.random() * secondWrite.within);
}

/** Whether the watch tells something else about our lease than what we wrote. It may simply be behind. */
function isSuspect({ view }: Keeping, lease: Lease): boolean {
  const leases = view();
  if (!leases) return false;
  const seen = leaseIn(leases, lease.key);
  return !seen || seen.revision > lease.revision || !sameTerms(seen, lease);
}

interface Attempt extends Keeping {
  /** Quiet when the same was said before. */
  readonly say: Logger['warn'];
  /** Called for each record of ours that someone else has written. */
  readonly quarrel: (lease: Lease) => void;
}

async function renew(keeping: Attempt, held: Held, signal: AbortSignal): Promise<Held> {
  const { store, terms, ttl, now, log } = keeping;
  const since = now();
  const claim = await store.renew(held.lease, terms(), ttl, signal);
  if (!claim.won) return recover(keeping, held, claim.holder, signal);
  log.info('lease renewed', { subnet: subnetsText(held.lease.subnets) });
  return { ...held, lease: claim.lease, ttl: claim.ttl, since };
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
  const { store, terms, ttl, now, log, say, quarrel } = keeping;
  const subnet = subnetsText(held.lease.subnets);
  if (holder && isForeign(keeping, held.lease, holder)) throw lost(subnet, holder);
  const since = now();
  let claim: Claim;
  if (!holder) {
    say('my lease is gone, taking the same subnet again', { subnet });
    claim = await retake(keeping, held.lease, signal);
  } else {
    quarrel(holder);
    if (sameTerms(holder, held.lease))
      log.info('answering a node that asks whether this lease is held', { subnet });
    else
      say(
        'my lease was rewritten by someone with my public IP, restoring it; do two nodes share the address?',
        {
          subnet,
          publicIp: nameOf(holder),
        },
      );
    claim = await store.renew(holder, terms(), ttl, signal);
  }
  if (claim.won) {
    log.info('lease restored', { subnet });
    return { ...held, lease: claim.lease, ttl: claim.ttl, since };
  }
  if (claim.holder && isForeign(keeping, held.lease, claim.holder)) throw lost(subnet, claim.holder);
  throw new StoreError(`the record of ${subnet} keeps changing or cannot be read`);
}

/** Creates our record again, unless somebody else has some of its addresses by now. */
async function retake({ store, terms, ttl }: Keeping, { key, subnets }: Lease, signal: AbortSignal) {
  const rivalOf = async (own: Holding): Promise<Claim | undefined> => {
    const rival = olderRival(recordsOf(await store.list(signal)), own);
    return rival && { won: false, holder: isReadable(rival) ? rival : undefined };
  };
  const taken = await rivalOf({ key, subnets, created: Infinity });
  if (taken) return taken;
  const claim = await store.claim(subnets, terms(), ttl, signal);
  const lost = claim.won ? await rivalOf(claim.lease) : undefined;
  if (claim.won && lost) await store.remove(claim.lease, signal);
  return lost ?? claim;
}

function isForeign({ terms }: Keeping, own: Lease, holder: Lease): boolean {
  return !sameNode(holder, own) && !sameNode(holder, terms());
}

function nameOf(lease: Lease): string {
  return addressOf(lease) ?? 'an unknown address';
}

function lost(subnet: string, holder: Lease): UserError {
  return new UserError(`my subnet ${subnet} was leased to ${nameOf(holder)} while my lease had lapsed`, {
    hint: 'start again to get another subnet; containers on this node need new addresses',
  });
}

/** So many rewritings of our record within so many milliseconds are no accident. */
const quarrelLimit = { times: 10, within: 20_000 };

/** Two nodes that restore the same record in turn would do so for ever, and neither would work. */
function createQuarrel({ now }: Keeping): (holder: Lease) => void {
  let times: number[] = [];
  return holder => {
    times = [...times.filter(time => time > now() - quarrelLimit.within), now()];
    if (times.length < quarrelLimit.times) return;
    throw new UserError(
      `another node with the public IP ${nameOf(holder)} keeps rewriting the lease ${holder.key}`,
      { hint: shareHint },
    );
  };
}

/**
 * Two nodes that have one public IP and started in the same moment both got a lease, as neither saw the other's.
 * The one whose lease is younger gives it back and ends. Resolves to the view, which has no older one.
 */
async function refuseRival(
  { view, store, terms }: Keeping,
  { lease: first }: Held,
  { lease }: Held,
  searched: LeaseView,
  signal: AbortSignal,
): Promise<LeaseView> {
  const own = terms();
  const leases = view() ?? emptyView;
  const rival = changedSpan(searched, leases).added.find(
    other => other.key !== lease.key && sameNode(other, own) && other.revision < first.revision,
  );
  if (!rival) return leases;
  await store.remove(lease, signal).catch(() => false);
  throw new UserError(`another node has the public IP ${nameOf(rival)}: it holds ${rival.key}`, {
    hint: shareHint,
  });
}

// Gets a lease: our own one again, the subnets we had before, or free ones; losing a race means looking again.
import { type Cidr, type Family, families, formatCidr, overlaps } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import { sinceBoot } from '../../lib/since-boot.ts';
import { sleep } from '../../lib/wait.ts';
import { allocate, type Random, takenSubnets } from '../model/allocate.ts';
import {
  addressOf,
  type Lease,
  type LeaseTerms,
  olderRival,
  type Subnets,
  sameNode,
  sameSubnets,
} from '../model/lease.ts';
import {
  capacity,
  familiesOf,
  fits,
  fitsWhole,
  type NetworkConfig,
  type Range,
} from '../model/network-config.ts';
import { backoff } from '../model/renewal.ts';
import { type Claim, type LeaseStore, type Listing, recordsOf, StoreError } from '../store/lease-store.ts';
import { contest } from './contest.ts';

export interface Held {
  readonly lease: Lease;
  /** Seconds; Infinity for a reservation. */
  readonly ttl: number;
  /** When the grant was asked for, on the clock of `sinceBoot()`. */
  readonly since: number;
  /** Whether this node had no lease before. */
  readonly isNew: boolean;
}

export interface Acquired extends Held {
  /** What the registry had besides, for a watch to go on from. */
  readonly listing: Listing;
}

export interface Wishes {
  readonly store: LeaseStore;
  /** What it had when the node began to look. */
  readonly listing: Promise<Listing>;
  readonly config: NetworkConfig;
  readonly terms: LeaseTerms;
  /** Seconds. */
  readonly ttl: number;
  /** What subnet.env says we had. */
  readonly previous: Subnets;
  /** Whether this host can tell that the lease is its own, whatever public IP stands in it. */
  readonly isProven: (lease: Lease) => boolean;
  readonly random: Random;
  readonly log: Logger;
}

/** Keeps trying until it holds a lease; rejects when the signal aborts, or when another node has our public IP. */
export async function acquireLease(wishes: Wishes, signal: AbortSignal): Promise<Acquired> {
  const { store } = wishes;
  let { listing } = wishes;
  const wait = backoff(10, 1000, wishes.random);
  const full = createNotice(wishes);
  for (;;) {
    try {
      const held = await attempt(wishes, await listing, signal);
      if (typeof held === 'object') return held;
      if (held !== 'lost') {
        full(held);
        await spaceFreed(wishes, held, signal);
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    await sleep(wait.next(), signal);
    listing = store.list(signal);
  }
}

/** The lease, that it was lost to somebody quicker, or the family that has no free subnet. */
async function attempt(
  wishes: Wishes,
  listing: Listing,
  signal: AbortSignal,
): Promise<Acquired | 'lost' | Family> {
  const { store, ttl, log } = wishes;
  const own = ownLease(wishes, listing);
  const settled = own && !wishes.isProven(own) ? await contest({ store, ttl, log }, own, signal) : own;
  if (own && !settled) return 'lost';
  const taken = await take(wishes, settled, listing, signal);
  return typeof taken === 'object' ? { ...taken, isNew: own === undefined } : taken;
}

/** Writes the lease, and moves it while somebody else was quicker with some of its addresses. */
async function take(
  wishes: Wishes,
  own: Lease | undefined,
  listing: Listing,
  signal: AbortSignal,
): Promise<Omit<Acquired, 'isNew'> | 'lost' | Family> {
  const { store, config, terms, ttl } = wishes;
  const subnets = chooseSubnets(wishes, own, listing);
  if (typeof subnets === 'number') return subnets;
  const since = sinceBoot();
  const isKept = own !== undefined && sameSubnets(own.subnets, subnets);
  const claim = isKept
    ? await store.renew(own, terms, ttl, signal)
    : await store.claim(subnets, terms, ttl, signal, own);
  sayOutcome(wishes, own, claim, subnets);
  if (!claim.won) return 'lost';
  const held = { lease: claim.lease, ttl: claim.ttl, since, listing: withOwn(listing, claim.lease, own) };
  // With one family, the key is what keeps others out.
  if (isKept || familiesOf(config).length === 1) return held;
  const after = await store.list(signal);
  if (!olderRival(recordsOf(after), claim.lease)) return { ...held, listing: after };
  const moved = await take(wishes, claim.lease, after, signal);
  if (typeof moved === 'number') await store.remove(claim.lease, signal);
  return moved;
}

/** As if it had been read after our own writing; whoever watches on from it is told of everything since anyway. */
function withOwn(listing: Listing, lease: Lease, former: Lease | undefined): Listing {
  const others = listing.leases.filter(({ key }) => key !== lease.key && key !== former?.key);
  return { ...listing, leases: [...others, lease] };
}

/** The lease this node has already: by its public IP, before all one that can be kept as it is; else by proof. */
function ownLease({ config, terms, isProven }: Wishes, { leases }: Listing): Lease | undefined {
  const own = leases.filter(lease => sameNode(lease, terms));
  return own.find(({ subnets }) => fitsWhole(config, subnets)) ?? own[0] ?? leases.find(isProven);
}

/** In each enabled family the subnet we have, else the one we had, else a free one; or the family that is full. */
function chooseSubnets(wishes: Wishes, own: Lease | undefined, listing: Listing): Subnets | Family {
  const { config, random } = wishes;
  const others = recordsOf(listing).filter(({ key }) => key !== own?.key);
  const chosen: [Family, Cidr][] = [];
  for (const family of familiesOf(config)) {
    const range = config.ranges[family];
    const taken = takenSubnets(others, family);
    const subnet =
      range && (formerSubnet(wishes, family, range, own, others) ?? allocate(range, taken, random));
    if (!subnet) return family;
    chosen.push([family, subnet]);
  }
  return Object.fromEntries(chosen);
}

/** The subnet of our lease or of subnet.env, while it fits and nobody else has any of it. */
function formerSubnet(
  { previous, log }: Wishes,
  family: Family,
  range: Range,
  own: Lease | undefined,
  others: readonly { readonly subnets: Subnets; readonly publicIps?: LeaseTerms['publicIps'] }[],
): Cidr | undefined {
  for (const subnet of [own?.subnets[family], previous[family]]) {
    if (!subnet) continue;
    const holder = others.find(({ subnets: { [family]: other } }) => other && overlaps(other, subnet));
    if (fits(range, subnet) && !holder) return subnet;
    log.info('not taking my previous subnet again', {
      subnet: formatCidr(subnet),
      reason: holder
        ? `${addressOf(holder) ?? 'an unreadable record'} holds ${subnetsText(holder.subnets)}`
        : 'it does not fit the configuration',
    });
  }
  return undefined;
}

/** Waits for a listing with room in it. */
async function spaceFreed(
  { store, config, random }: Wishes,
  family: Family,
  signal: AbortSignal,
): Promise<void> {
  const watching = new AbortController();
  const range = config.ranges[family];
  try {
    for await (const event of store.watch(AbortSignal.any([signal, watching.signal]))) {
      if (event.kind === 'gone' || !range) return;
      if (event.kind === 'put') continue;
      const taken = takenSubnets(recordsOf(event), family);
      if (allocate(range, taken, random)) return;
    }
  } finally {
    watching.abort();
  }
  signal.throwIfAborted();
}

function createNotice({ config, log }: Wishes): (family: Family) => void {
  let said = false;
  return family => {
    const range = config.ranges[family];
    if (said || !range) return;
    said = true;
    log.error('out of subnets, waiting for one to become free', {
      first: formatCidr(range.first),
      last: formatCidr(range.last),
      subnets: String(capacity(range)),
    });
  };
}

function sayOutcome({ terms, log }: Wishes, own: Lease | undefined, claim: Claim, subnets: Subnets): void {
  if (!claim.won) {
    log.debug('another node was quicker, choosing again', {
      subnet: subnetsText(subnets),
      holder: claim.holder && addressOf(claim.holder),
    });
    return;
  }
  const facts = described(claim.lease);
  if (!own) log.info('lease acquired', facts);
  else if (!sameSubnets(own.subnets, subnets))
    log.warn('my former lease is replaced', {
      former: subnetsText(own.subnets),
      ...facts,
    });
  else if (!sameNode(own, terms))
    log.info('my lease moves to my new public IP', {
      former: addressOf(own),
      ...facts,
    });
  else log.info('reusing the lease of my public IP', facts);
}

/** `10.5.3.0/24` or `10.5.3.0/24 fd00:5:0:3::/64`. */
export function subnetsText(subnets: Subnets): string {
  return families.flatMap(family => (subnets[family] ? [formatCidr(subnets[family])] : [])).join(' ');
}

function described({ subnets, publicIps, grant }: Lease) {
  return {
    subnet: subnetsText(subnets),
    publicIp: [publicIps[4], publicIps[6]].filter(Boolean).join(),
    reservation: grant === undefined || undefined,
  };
}

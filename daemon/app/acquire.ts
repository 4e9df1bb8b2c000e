// Gets a lease: our own one again, the subnet we had before, or a free one; losing a race means looking again.
import { type Cidr4, formatCidr4, formatIp4, overlaps } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import { sleep } from '../../lib/wait.ts';
import { allocate, type Random, takenSubnets } from '../model/allocate.ts';
import type { Lease, LeaseTerms } from '../model/lease.ts';
import { capacity, fits, type NetworkConfig } from '../model/network-config.ts';
import { backoff } from '../model/renewal.ts';
import { type LeaseStore, type Listing, StoreError } from '../store/lease-store.ts';

export interface Held {
  readonly lease: Lease;
  /** Seconds; Infinity for a reservation. */
  readonly ttl: number;
  /** When the grant was asked for, on the clock of `performance.now()`. */
  readonly since: number;
}

export interface Wishes {
  readonly store: LeaseStore;
  readonly config: NetworkConfig;
  readonly terms: LeaseTerms;
  /** Seconds. */
  readonly ttl: number;
  /** What subnet.env says we had. */
  readonly previous: Cidr4 | undefined;
  readonly random: Random;
  readonly log: Logger;
}

/** Keeps trying until it holds a lease; rejects only when the signal aborts. */
export async function acquireLease(wishes: Wishes, signal: AbortSignal): Promise<Held> {
  const { store } = wishes;
  const wait = backoff(10, 1000, wishes.random);
  const full = createNotice(wishes);
  for (;;) {
    try {
      const listing = await store.list(signal);
      const held = (await reuseOwn(wishes, listing, signal)) ?? (await takeFree(wishes, listing, signal));
      if (held === 'full') {
        full();
        await spaceFreed(wishes, signal);
      } else if (held !== 'lost') return held;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    await sleep(wait.next(), signal);
  }
}

/** Our lease from before, by public IP. Undefined when there is none that fits; those that do not fit are removed. */
async function reuseOwn(
  { store, config, terms, ttl, log }: Wishes,
  { leases }: Listing,
  signal: AbortSignal,
): Promise<Held | 'lost' | undefined> {
  const own = leases.filter(({ publicIp }) => publicIp === terms.publicIp);
  const lease = own.find(({ subnet, subnet6 }) => fits(config, subnet) && !subnet6);
  if (lease) {
    const since = performance.now();
    const claim = await store.renew(lease, terms, ttl, signal);
    if (!claim.won) return 'lost';
    log.info('reusing the lease of my public IP', described(claim.lease));
    return { lease: claim.lease, ttl: claim.ttl, since };
  }
  for (const misfit of own) {
    log.warn('my former lease does not fit the configuration, removing it', described(misfit));
    if (!(await store.remove(misfit, signal))) return 'lost';
  }
  return undefined;
}

async function takeFree(
  wishes: Wishes,
  { leases, unreadable }: Listing,
  signal: AbortSignal,
): Promise<Held | 'lost' | 'full'> {
  const { store, config, terms, ttl, log } = wishes;
  const others = leases.filter(({ publicIp }) => publicIp !== terms.publicIp);
  const taken = takenSubnets([...others, ...unreadable]);
  const subnet = formerSubnet(wishes, leases, taken) ?? allocate(config, taken, wishes.random);
  if (!subnet) return 'full';
  const since = performance.now();
  const claim = await store.claim(subnet, terms, ttl, signal);
  if (claim.won) {
    log.info('lease acquired', described(claim.lease));
    return { lease: claim.lease, ttl: claim.ttl, since };
  }
  log.debug('another node was quicker, choosing again', {
    subnet: formatCidr4(subnet),
    holder: claim.holder && formatIp4(claim.holder.publicIp),
  });
  return 'lost';
}

/** The subnet of subnet.env, or the IPv4 half of a lease we just removed, while nobody else has any of it. */
function formerSubnet(
  { config, terms, previous, log }: Wishes,
  leases: readonly Lease[],
  taken: readonly Cidr4[],
): Cidr4 | undefined {
  const own = leases.filter(({ publicIp }) => publicIp === terms.publicIp).map(({ subnet }) => subnet);
  for (const subnet of previous ? [...own, previous] : own) {
    const holder = leases.find(
      lease =>
        lease.publicIp !== terms.publicIp && takenSubnets([lease]).some(other => overlaps(other, subnet)),
    );
    if (fits(config, subnet) && !taken.some(other => overlaps(other, subnet))) return subnet;
    log.info('not taking my previous subnet again', {
      subnet: formatCidr4(subnet),
      reason: holder
        ? `${formatIp4(holder.publicIp)} holds ${formatCidr4(holder.subnet)}`
        : fits(config, subnet)
          ? 'it is in use'
          : 'it does not fit the configuration',
    });
  }
  return undefined;
}

/** Waits for a listing with room in it. */
async function spaceFreed({ store, config, random }: Wishes, signal: AbortSignal): Promise<void> {
  const watching = new AbortController();
  try {
    for await (const event of store.watch(AbortSignal.any([signal, watching.signal]))) {
      if (event.kind === 'gone') return;
      if (event.kind === 'put') continue;
      const taken = takenSubnets([...event.leases, ...event.unreadable]);
      if (allocate(config, taken, random)) return;
    }
  } finally {
    watching.abort();
  }
  signal.throwIfAborted();
}

function createNotice({ config, log }: Wishes): () => void {
  let said = false;
  return () => {
    if (said) return;
    said = true;
    log.error('out of subnets, waiting for one to become free', {
      first: formatCidr4(config.first),
      last: formatCidr4(config.last),
      subnets: capacity(config),
    });
  };
}

function described({ subnet, publicIp, grant }: Lease) {
  return {
    subnet: formatCidr4(subnet),
    publicIp: formatIp4(publicIp),
    reservation: grant === undefined || undefined,
  };
}

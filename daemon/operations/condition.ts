// What state the daemon is in, folded from what happened, and whether that is good enough to be called ready.
import type { Happening } from './happening.ts';

/** Times are milliseconds on one monotonic clock. */
export interface Condition {
  readonly ready: boolean;
  /** When etcd stopped answering; undefined while it answers. It counts as away until its first answer. */
  readonly etcdAway: number | undefined;
  /** `expires` is on a clock of its own until {@link onOneClock} has brought it to this one. */
  readonly lease: { readonly subnet: string; readonly expires: number } | undefined;
  readonly leases: number;
  readonly peers: number;
  /** End of the last look at the kernel; undefined before the first. */
  readonly looked: number | undefined;
  /** Since when each look found something broken; undefined while none does. */
  readonly broken: number | undefined;
}

export function initialCondition(now: number): Condition {
  return {
    ready: false,
    etcdAway: now,
    lease: undefined,
    leases: 0,
    peers: 0,
    looked: undefined,
    broken: undefined,
  };
}

export function fold(condition: Condition, happening: Happening, now: number): Condition {
  switch (happening.kind) {
    case 'etcd':
      return { ...condition, etcdAway: happening.answers ? undefined : (condition.etcdAway ?? now) };
    case 'lease':
      return { ...condition, lease: { subnet: happening.subnet, expires: happening.expires } };
    case 'leases':
      return { ...condition, leases: happening.count };
    case 'peers':
      return { ...condition, peers: happening.count };
    case 'pass':
      return { ...condition, looked: now, broken: happening.broken ? (condition.broken ?? now) : undefined };
    case 'ready':
      return { ...condition, ready: true };
    case 'renewal':
    case 'carrier':
    case 'rules':
      return condition;
    default:
      return happening satisfies never;
  }
}

/** With the lease on the clock of everything else; `now` and `leaseNow` are one moment on either. */
export function onOneClock(condition: Condition, now: number, leaseNow: number): Condition {
  const { lease } = condition;
  return lease ? { ...condition, lease: { ...lease, expires: lease.expires - leaseNow + now } } : condition;
}

/** Milliseconds. The kernel is looked at every 30 s, and no single command may take longer than that. */
const stuckAfter = 90_000;
const brokenAfter = 60_000;
/** Milliseconds. Longer than a rolling restart of etcd; new peers are not heard of meanwhile. */
const awayAfter = 300_000;

/** What keeps the daemon from doing its work at all, undefined when nothing does: a restart is what helps. */
export function stuck({ looked }: Condition, now: number): string | undefined {
  const seconds = looked === undefined ? 0 : (now - looked) / 1000;
  return seconds * 1000 > stuckAfter
    ? `the kernel was not looked at for ${Math.round(seconds)} s`
    : undefined;
}

/**
 * Why a daemon that once was ready no longer is; empty while it is. `margin` is how many seconds before its expiry
 * the lease is renewed: when half of that has gone by without success, it may well be lost.
 */
export function troubles(condition: Condition, margin: number, now: number): string[] {
  const { etcdAway, lease, broken } = condition;
  const since = (time: number) => `${Math.round((now - time) / 1000)} s`;
  const left = lease ? (lease.expires - now) / 1000 : Infinity;
  const found = [
    stuck(condition, now),
    broken !== undefined && now - broken > brokenAfter
      ? `the network could not be programmed for ${since(broken)}`
      : undefined,
    left <= 0 ? 'the lease has expired' : undefined,
    left > 0 && left < margin / 2 ? `the lease expires in ${Math.round(left)} s` : undefined,
    etcdAway !== undefined && now - etcdAway > awayAfter
      ? `etcd did not answer for ${since(etcdAway)}`
      : undefined,
  ];
  return found.filter(text => text !== undefined);
}

/** One line for who asks systemd. */
export function summary(condition: Condition, margin: number, now: number): string {
  const { ready, etcdAway, lease, peers } = condition;
  if (!ready) {
    if (lease) return `${lease.subnet}, programming the network`;
    return etcdAway === undefined ? 'waiting for a network configuration or a lease' : 'waiting for etcd';
  }
  const wrong = troubles(condition, margin, now);
  const away = etcdAway === undefined ? [] : ['etcd does not answer'];
  return [lease?.subnet, `${peers} peers`, ...(wrong.length > 0 ? wrong : away)].join(', ');
}

// Folds lease events into the set of leases the cluster has: the same leases, whatever events led there.
import { spliced } from '../../lib/changed-span.ts';
import type { LeaseEvent } from '../store/lease-store.ts';
import type { Lease, LeaseKey } from './lease.ts';

/** In key order, one for each key. */
export type LeaseView = readonly Lease[];

export const emptyView: LeaseView = [];

export function leaseIn(view: LeaseView, key: LeaseKey): Lease | undefined {
  const lease = view[placeOf(view, key)];
  return lease?.key === key ? lease : undefined;
}

/**
 * The view after `event`. A record that can no longer be read keeps what was last known of it: its key still holds
 * the subnet, and its owner is most likely alive.
 */
export function fold(view: LeaseView, event: LeaseEvent): LeaseView {
  switch (event.kind) {
    case 'snapshot': {
      const kept = event.unreadable.flatMap(({ key }) => leaseIn(view, key) ?? []);
      return [...event.leases, ...kept].sort((a, b) => (a.key < b.key ? -1 : 1));
    }
    case 'put':
      return replaced(view, event.lease.key, [event.lease]);
    case 'gone':
      return replaced(view, event.key, []);
    default:
      return event satisfies never;
  }
}

function replaced(view: LeaseView, key: LeaseKey, by: readonly Lease[]): LeaseView {
  return spliced(view, placeOf(view, key), leaseIn(view, key) ? 1 : 0, by);
}

/** Where the lease with this key is, or would be. */
function placeOf(view: LeaseView, key: LeaseKey): number {
  let [low, high] = [0, view.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((view[middle]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

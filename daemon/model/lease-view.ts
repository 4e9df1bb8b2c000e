// Folds lease events into the set of leases the cluster has: the same leases, whatever events led there.
import type { LeaseEvent } from '../store/lease-store.ts';
import type { Lease, LeaseKey } from './lease.ts';

export type LeaseView = ReadonlyMap<LeaseKey, Lease>;

export const emptyView: LeaseView = new Map();

/**
 * The view after `event`. A record that can no longer be read keeps what was last known of it: its key still holds
 * the subnet, and its owner is most likely alive.
 */
export function fold(view: LeaseView, event: LeaseEvent): LeaseView {
  switch (event.kind) {
    case 'snapshot': {
      const next = new Map(event.leases.map(lease => [lease.key, lease]));
      for (const { key } of event.unreadable) {
        const known = view.get(key);
        if (known) next.set(key, known);
      }
      return next;
    }
    case 'put':
      return new Map(view).set(event.lease.key, event.lease);
    case 'gone': {
      const next = new Map(view);
      next.delete(event.key);
      return next;
    }
    default:
      return event satisfies never;
  }
}

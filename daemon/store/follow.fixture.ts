// A watch of leases that tests can wait on.
import { until } from '../../lib/wait.ts';
import type { Lease, LeaseKey } from '../model/lease.ts';
import { emptyView, fold } from '../model/lease-view.ts';
import type { LeaseStore, Listing } from './lease-store.ts';

/** Folds a watch into a view that can be waited for. */
export function follow(store: LeaseStore, known?: Listing) {
  const stop = new AbortController();
  const state = { view: emptyView, snapshots: 0, started: false };
  const byKey = () => new Map(state.view.map(lease => [lease.key, lease]));
  const pump = (async () => {
    for await (const event of store.watch(stop.signal, known)) {
      state.view = fold(state.view, event);
      state.started = true;
      if (event.kind === 'snapshot') state.snapshots++;
    }
  })();
  return {
    get view() {
      return byKey();
    },
    get snapshots() {
      return state.snapshots;
    },
    until: (what: string, holds: (view: ReadonlyMap<LeaseKey, Lease>) => boolean, timeout = 15_000) =>
      until(async () => (state.started && holds(byKey()) ? true : undefined), {
        what,
        timeout,
        interval: 10,
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await pump;
    },
  };
}

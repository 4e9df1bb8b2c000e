// The view has one lease for each key, in key order, the last that was told of it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LeaseEvent } from '../store/lease-store.ts';
import type { Lease } from './lease.ts';
import { emptyView, fold, leaseIn } from './lease-view.ts';

const leaseAt = (key: string, revision: number): Lease => ({
  key,
  revision,
  created: 1,
  subnets: {},
  publicIps: {},
  backendType: '',
  backendData: {},
  grant: undefined,
});
// Texts of which one is the beginning of another, as `10.5.3.0-24` is of `10.5.3.0-24&fd00:5:0:3::-64`.
const keys = ['10.5.10.0-24', '10.5.3.0-24', '10.5.3.0-24&fd00:5:0:3::-64', '10.5.30.0-24', '10.5.4.0-24'];
const key = fc.constantFrom(...keys);
const lease = fc.tuple(key, fc.nat()).map(([at, revision]) => leaseAt(at, revision));
const event: fc.Arbitrary<LeaseEvent> = fc.oneof(
  { weight: 4, arbitrary: lease.map(one => ({ kind: 'put', lease: one }) as const) },
  { weight: 2, arbitrary: key.map(at => ({ kind: 'gone', key: at }) as const) },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(lease, { selector: one => one.key })
      .chain(all =>
        fc.nat({ max: all.length }).map(readable => [all.slice(0, readable), all.slice(readable)]),
      )
      .map(([leases = [], rest = []]) => {
        const unreadable = rest.map(one => ({ ...one, problem: 'not JSON' }));
        return { kind: 'snapshot', leases, unreadable } as const;
      }),
  },
);

/** The same by a map. */
function told(known: ReadonlyMap<string, Lease>, one: LeaseEvent): ReadonlyMap<string, Lease> {
  if (one.kind === 'put') return new Map(known).set(one.lease.key, one.lease);
  if (one.kind === 'gone') return new Map([...known].filter(([at]) => at !== one.key));
  const kept = one.unreadable.flatMap(({ key: at }) => known.get(at) ?? []);
  return new Map([...one.leases, ...kept].map(each => [each.key, each]));
}

test('whatever is told, in whatever order', () => {
  fc.assert(
    fc.property(fc.array(event), events => {
      let view = emptyView;
      let known: ReadonlyMap<string, Lease> = new Map();
      for (const one of events) {
        view = fold(view, one);
        known = told(known, one);
        expect(view.map(each => each.key)).toEqual([...known.keys()].sort());
        for (const at of keys) expect(leaseIn(view, at)).toBe(known.get(at));
      }
    }),
  );
});

// From what the kernel has to what it should have: an ordered list of changes, additions before removals.
import { entryKey, entryText, type LinkEntry, type NetEntry, type NetState } from './net-state.ts';

export type Op =
  /** `replaces` is what is there now under the same key. */
  | { readonly verb: 'put'; readonly entry: NetEntry; readonly replaces?: NetEntry | undefined }
  | { readonly verb: 'remove'; readonly entry: NetEntry };

export interface Plan {
  readonly ops: readonly Op[];
  /** Wanted entries that would displace something we must not touch, with what is in their place. */
  readonly conflicts: readonly { readonly wanted: NetEntry; readonly present: NetEntry }[];
}

/** Links before what stands on them; a route last, when everything it leads to is in place. */
const order: readonly NetEntry['kind'][] = [
  'sysctl',
  'link',
  'wireguard',
  'wireguard-peer',
  'address',
  'neighbour',
  'fdb',
  'route',
];

/**
 * `isOurs` says which of the present entries may be removed when they are not wanted. Wanted entries replace whatever
 * has their key, except the route that the kernel made for an address of another device: that is a conflict.
 */
export function diff(wanted: NetState, present: NetState, isOurs: (entry: NetEntry) => boolean): Plan {
  const there = new Map(present.map(entry => [entryKey(entry), entry]));
  const keys = new Set<string>();
  const ops: Op[] = [];
  const conflicts: { wanted: NetEntry; present: NetEntry }[] = [];
  for (const entry of sorted(wanted)) {
    const key = entryKey(entry);
    // Two leases can ask for one entry (a cloned MAC); replacing one by the other for ever helps neither.
    if (keys.has(key)) continue;
    keys.add(key);
    const replaces = there.get(key);
    // What this kernel has no knob for (IPv6 turned off, a device still to be made) cannot be set.
    if (entry.kind === 'sysctl' && !replaces) continue;
    if (replaces && (replaces === entry || entryText(replaces) === entryText(entry))) continue;
    if (replaces?.kind === 'route' && replaces.protocol === 'kernel')
      conflicts.push({ wanted: entry, present: replaces });
    else ops.push({ verb: 'put', entry, replaces });
  }
  for (const entry of sorted(present).reverse())
    if (!keys.has(entryKey(entry)) && isOurs(entry)) ops.push({ verb: 'remove', entry });
  return { ops, conflicts };
}

/**
 * What to remove after these ops failed: what was to be replaced is known to be wrong, and a route to where the subnet
 * used to be is worse than none. A device stays, as others stand on it.
 */
export function leftovers(failed: readonly Op[], isOurs: (entry: NetEntry) => boolean): Op[] {
  return failed.flatMap(op => {
    const stale = op.verb === 'put' ? op.replaces : undefined;
    return stale && stale.kind !== 'link' && isOurs(stale) ? [{ verb: 'remove', entry: stale } as const] : [];
  });
}

/**
 * Whether the device can become the wanted one without being made anew. A new one would lose its neighbours, its
 * forwarding entries and the routes through it.
 */
export function canBecome(present: LinkEntry, wanted: LinkEntry): boolean {
  const { tunnel: a } = present;
  const { tunnel: b } = wanted;
  if (!a || !b) return a === b;
  if ((a.type === 'tun' || a.type === 'wireguard') && a.type === b.type) return true;
  if (a.type === 'ipip' && b.type === 'ipip')
    return a.local === b.local && a.remote === b.remote && a.pmtudisc === b.pmtudisc;
  if (a.type !== 'vxlan' || b.type !== 'vxlan') return false;
  return (
    a.vni === b.vni && a.port === b.port && a.uplink === b.uplink && a.local === b.local && a.gbp === b.gbp
  );
}

function sorted(state: NetState): NetEntry[] {
  const byKind = Map.groupBy(state, ({ kind }) => kind);
  return order.flatMap(kind => byKind.get(kind) ?? []);
}

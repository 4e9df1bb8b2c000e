// The reconciler of this node: leases and host in, the backend's wishes out.
import type { Cidr4 } from '../../lib/ip.ts';
import type { LeaseView } from '../model/lease-view.ts';
import type { NetEntry, NetState } from '../model/net-state.ts';
import { type Ignored, selectPeers } from '../model/peers.ts';
import { underlayOf } from '../model/underlay.ts';
import { few } from './few.ts';
import type { Settlement } from './node.ts';
import { Reconciler } from './reconcile.ts';

/** What is known by now: written by those who learn it. */
export interface Known {
  subnet: Cidr4 | undefined;
  view: LeaseView | undefined;
}

/** Whatever its leases say, the kernel is made to follow. `known` is looked at in each pass. */
export function createNodeReconciler({ kernel, backend, self, log }: Settlement, known: Known): Reconciler {
  const sayIgnored = createIgnoredLog(log);
  const desired = (present: NetState): NetState => {
    const viewpoint = { ...self, ...backend, backendType: backend.type, subnet: known.subnet };
    const { peers, ignored } = selectPeers(known.view?.values() ?? [], viewpoint);
    sayIgnored(ignored);
    return [
      { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' },
      ...backend.desired({ self, subnet: known.subnet, peers, underlay: underlayOf(present) }),
    ];
  };
  const sysctls = desired([]).flatMap(entry => (entry.kind === 'sysctl' ? [entry.path] : []));
  // Until the leases are known, nothing can be told to be stale: a restart disturbs nobody.
  const isOurs = (entry: NetEntry) =>
    known.subnet !== undefined && known.view !== undefined && backend.isOurs(entry, self);
  return new Reconciler({ kernel, scope: { devices: backend.devices, sysctls }, desired, isOurs, log });
}

function createIgnoredLog(log: Settlement['log']): (ignored: readonly Ignored[]) => void {
  let said = new Set<string>();
  return ignored => {
    const now = new Set(ignored.map(({ lease, reason }) => `${lease.key}: ${reason}`));
    const fresh = [...now].filter(text => !said.has(text));
    for (const line of few(fresh)) log.warn(`ignoring the lease ${line}`);
    said = now;
  };
}

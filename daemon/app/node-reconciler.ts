// The reconciler of this node: leases and host in, the backend's wishes out.
import type { Family } from '../../lib/ip.ts';
import { blackholes, isFlannelsBlackhole } from '../model/blackholes.ts';
import type { Subnets } from '../model/lease.ts';
import type { LeaseView } from '../model/lease-view.ts';
import type { NetEntry, NetState } from '../model/net-state.ts';
import { familiesOf } from '../model/network-config.ts';
import { type Ignored, selectPeers } from '../model/peers.ts';
import { underlayOf } from '../model/underlay.ts';
import { few } from './few.ts';
import type { Settlement } from './node.ts';
import { Reconciler } from './reconcile.ts';

/** What is known by now: written by those who learn it. */
export interface Known {
  /** Empty until the lease is held. */
  subnets: Subnets;
  view: LeaseView | undefined;
}

/** Whatever its leases say, the kernel is made to follow. `known` is looked at in each pass. */
export function createNodeReconciler(
  { kernel, config, backend, identity, options, previous, log, observe }: Settlement,
  known: Known,
  moved: () => void,
): Reconciler {
  const sayIgnored = createIgnoredLog(log);
  const enabled = familiesOf(config);
  const desired = (present: NetState): NetState => {
    if (identity.follow(present)) moved();
    const { self } = identity;
    const viewpoint = { ...backend, terms: backend.terms(self), subnets: known.subnets, enabled };
    const { peers, ignored } = selectPeers(known.view?.values() ?? [], viewpoint);
    sayIgnored(ignored);
    observe({ kind: 'peers', count: peers.length });
    return [
      ...enabled.flatMap(family => forwarding(family, self.uplink.name, present)),
      ...(options.ipBlackholeRoute ? blackholes(known.subnets) : []),
      ...backend.desired({ self, subnets: known.subnets, peers, underlay: underlayOf(present) }),
    ];
  };
  const sysctls = [
    ...desired([]).flatMap(entry => (entry.kind === 'sysctl' ? [entry.path] : [])),
    advertisements(identity.self.uplink.name),
  ];
  // Until the leases are known, nothing can be told to be stale: a restart disturbs nobody.
  const isOurs = (entry: NetEntry) => {
    if (Object.keys(known.subnets).length === 0 || known.view === undefined) return false;
    const { self } = identity;
    return (
      backend.isOurs(entry, self) || isFlannelsBlackhole(entry, self.networks, [known.subnets, previous])
    );
  };
  const scope = { families: enabled, devices: backend.devices, sysctls };
  return new Reconciler({ kernel, scope, desired, isOurs, log, observe });
}

/** A host that forwards IPv6 no longer listens to routers, and may lose its default route, unless told to (RFC 6204). */
function forwarding(family: Family, uplink: string, present: NetState): NetState {
  if (family === 4) return [{ kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' }];
  const path = advertisements(uplink);
  const listens = present.some(
    entry => entry.kind === 'sysctl' && entry.path === path && entry.value === '1',
  );
  return [
    ...(listens ? [{ kind: 'sysctl', path, value: '2' } as const] : []),
    { kind: 'sysctl', path: 'net/ipv6/conf/all/forwarding', value: '1' },
  ];
}

function advertisements(dev: string): string {
  return `net/ipv6/conf/${dev}/accept_ra`;
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

// The reconciler of this node: leases and host in, the backend's wishes out.
import { joiner } from '../../lib/changed-span.ts';
import { type Family, families } from '../../lib/ip.ts';
import { formerObjects } from '../backends/former.ts';
import { blackholes, isFlannelsBlackhole } from '../model/blackholes.ts';
import type { Subnets } from '../model/lease.ts';
import type { LeaseView } from '../model/lease-view.ts';
import type { NetEntry, NetState } from '../model/net-state.ts';
import { familiesOf } from '../model/network-config.ts';
import type { Peer } from '../model/peers.ts';
import { underlayOf } from '../model/underlay.ts';
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
  peers: () => readonly Peer[],
  moved: () => void,
): Reconciler {
  const enabled = familiesOf(config);
  const forwardingOf = (present: NetState) =>
    enabled.flatMap(family => forwarding(family, identity.self.uplink.name, present));
  let forwards: NetState = forwardingOf([]);
  const join = joiner<NetEntry>();
  const desired = (present: () => NetState): NetState => {
    const { self } = identity;
    const situation = { self, subnets: known.subnets, peers: peers(), underlay: underlayOf(present) };
    const holes = options.ipBlackholeRoute ? blackholes(known.subnets) : [];
    return join(forwards, holes, backend.desired(situation));
  };
  const look = (present: NetState): void => {
    if (identity.follow(present)) moved();
    forwards = forwardingOf(present);
  };
  const sysctls = [
    ...desired(() => []).flatMap(entry => (entry.kind === 'sysctl' ? [entry.path] : [])),
    advertisements(identity.self.uplink.name),
  ];
  // Until the leases are known, nothing can be told to be stale: a restart disturbs nobody.
  const isOurs = (present: NetState) => {
    if (Object.keys(known.subnets).length === 0 || known.view === undefined) return () => false;
    const { self } = identity;
    const isFormer = formerObjects(present, self, backend.devices);
    const held = [known.subnets, previous];
    return (entry: NetEntry) =>
      backend.isOurs(entry, self) || isFormer(entry) || isFlannelsBlackhole(entry, self.networks, held);
  };
  // A family that is no longer served can have left something.
  const { networks } = identity.self;
  const concerned = families.filter(family => networks.some(network => network.family === family));
  const scope = { families: concerned, devices: backend.devices, sysctls };
  return new Reconciler({ kernel, scope, look, desired, isOurs, log, observe });
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

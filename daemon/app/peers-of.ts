// The peers of this node as its leases have them at the moment; says once why a lease is passed over.
import type { Logger } from '../../lib/log.ts';
import type { Self } from '../backends/backend.ts';
import type { Lease, Subnets } from '../model/lease.ts';
import { familiesOf } from '../model/network-config.ts';
import { type Ignored, type Peer, peerSelector, type Selection } from '../model/peers.ts';
import { few } from './few.ts';
import type { Settlement } from './node.ts';
import type { Known } from './node-reconciler.ts';

/** Looks at `known` in each call. */
export function peersOf(
  { config, backend, identity, log, observe }: Settlement,
  known: Known,
): () => readonly Peer[] {
  if (!backend.usesPeers) return () => [];
  const enabled = familiesOf(config);
  const sayIgnored = createIgnoredLog(log);
  let view: { readonly self: Self; readonly subnets: Subnets } | undefined;
  let select: (leases: readonly Lease[]) => Selection = () => ({ peers: [], ignored: [] });
  return () => {
    const { self } = identity;
    const { subnets } = known;
    if (view?.self !== self || view.subnets !== subnets) {
      view = { self, subnets };
      const objection = (peer: Peer) => backend.objection(peer, self);
      select = peerSelector({ objection, terms: backend.terms(self), subnets, enabled });
    }
    const { peers, ignored } = select(known.view ?? []);
    sayIgnored(ignored);
    observe({ kind: 'peers', count: peers.length });
    return peers;
  };
}

function createIgnoredLog(log: Logger): (ignored: readonly Ignored[]) => void {
  let said = new Set<string>();
  return ignored => {
    const now = new Set(ignored.map(({ lease, reason }) => `${lease.key}: ${reason}`));
    const fresh = [...now].filter(text => !said.has(text));
    for (const line of few(fresh)) log.warn(`ignoring the lease ${line}`);
    said = now;
  };
}

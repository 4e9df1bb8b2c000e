// The peers of this node as its leases have them at the moment; says once why a lease is passed over.
import type { Logger } from '../../lib/log.ts';
import { type Lease, sameTerms } from '../model/lease.ts';
import { familiesOf } from '../model/network-config.ts';
import { type Ignored, type Peer, peerSelector, type Selection, type Viewpoint } from '../model/peers.ts';
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
  let view: Viewpoint | undefined;
  let select: (leases: readonly Lease[]) => Selection = () => ({ peers: [], ignored: [] });
  return () => {
    const terms = backend.terms(identity.self);
    if (!view || view.subnets !== known.subnets || !sameTerms(view.terms, terms)) {
      view = { ...backend, terms, subnets: known.subnets, enabled };
      select = peerSelector(view);
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

// The peers of this node as its leases have them at the moment; says once why a lease is passed over.
import type { Logger } from '../../lib/log.ts';
import { familiesOf } from '../model/network-config.ts';
import { type Ignored, type Peer, selectPeers } from '../model/peers.ts';
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
  return () => {
    const viewpoint = { ...backend, terms: backend.terms(identity.self), subnets: known.subnets, enabled };
    const { peers, ignored } = selectPeers(known.view?.values() ?? [], viewpoint);
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

// Legacy iptables, whose rules no trace of nftables shows: what it drops of what is forwarded, and on the underlay.
import { type Flow, legacyDrops } from '../legacy.ts';
import { type Hop, type Path, type Side, uplink } from '../path.ts';
import { arrivals } from './arrivals.ts';
import { at, type Check, type Finding } from './finding.ts';
import { outerFlow } from './underlay.ts';

export const legacyChecks: Check = path => [...forwarded(path), ...carried(path)];

function forwarded(path: Path): readonly Finding[] {
  const inner = { source: path.from.address, destination: path.to.address, protocol: 'icmp' } as const;
  return arrivals(path).flatMap(({ hop, side, device, leaves }) =>
    findings(path, hop, side, { ...inner, chain: 'FORWARD', in: device, out: leaves }),
  );
}

/** What the nodes send each other with packets inside. */
function carried(path: Path): readonly Finding[] {
  const outer = outerFlow(path);
  if (!outer) return [];
  return [
    ...findings(path, 'wrap', path.from, { ...outer, chain: 'OUTPUT', out: uplink }),
    ...findings(path, 'unwrap', path.to, { ...outer, chain: 'INPUT', in: uplink }),
  ];
}

/** In forwarding, a rule that only may match is one to blame: packets are seen to vanish there, or it is not to blame. */
function findings(path: Path, hop: Hop, { node, facts }: Side, flow: Flow): readonly Finding[] {
  const { tool = 'iptables-legacy' } = facts.legacy;
  const filter = flow.chain === 'FORWARD';
  return legacyDrops(facts.legacy, flow)
    .filter(({ sure }) => sure || filter)
    .map(({ table, chain, rule }) => {
      const where = `(${tool}: ${table}/${chain})`;
      return at(path, hop, {
        node,
        place: node,
        cause: filter ? 'forward-drop' : 'underlay-partition',
        text: rule === undefined ? `${chain} policy DROP ${where}` : `rule "${rule}" ${where}`,
        show: `${tool} -t ${table} -S ${chain}`,
        ...(filter ? { filter } : {}),
      });
    });
}

// Puts together where packets were last seen and what is not as it should be, into one verdict; pure.
import type { Cause, Finding } from './checks/finding.ts';
import type { Count, Direction, Seen } from './counters.ts';
import { type FilterVerdict, filterCommand, filterText } from './filter-trace.ts';
import { bridge, type Hop, hopAfter, hopNode, hops, hopText, type Path, type Stage, uplink } from './path.ts';
import type { Evidence } from './probe.ts';

export interface Blame {
  readonly node: string;
  /** Where `show` is to be run. */
  readonly place: string;
  readonly hop: string;
  readonly direction: Direction;
  readonly cause: Cause;
  readonly text: string;
  readonly show: string;
}

/** `large`: only packets of the size of the container's MTU get lost. */
export interface Loss {
  readonly direction: Direction;
  readonly path: Path;
  readonly large: boolean;
  /** Undefined: it was not seen anywhere. */
  readonly last: Stage | undefined;
  /** The next stage it was looked for at, in vain. */
  readonly next: Stage | undefined;
}

/** Where the pings got lost; undefined when they came back. */
export function lossIn(
  { seen, small, large }: Evidence,
  paths: Readonly<Record<Direction, Path>>,
): Loss | undefined {
  const toldSo = large.toldMtu !== undefined;
  if (small.received > 0 && (large.received > 0 || toldSo)) return undefined;
  const kind = small.received === 0 ? 'small' : 'large';
  const request = lossOn(paths.request, 'request', seen.request, kind);
  return request ?? lossOn(paths.answer, 'answer', seen.answer, kind) ?? undefined;
}

function lossOn(path: Path, direction: Direction, seen: Seen, kind: keyof Count): Loss | undefined {
  const stages = path.points.map(({ stage }) => stage).filter(stage => seen.has(stage));
  const index = stages.findLastIndex(stage => (seen.get(stage)?.[kind] ?? 0) > 0);
  if (stages.length > 0 && index === stages.length - 1 && direction === 'request') return undefined;
  return { direction, path, large: kind === 'large', last: stages[index], next: stages[index + 1] };
}

/** Where the request no longer had its sender's address; undefined when it always had. */
export function rewritingIn({ seen }: Evidence, path: Path): Loss | undefined {
  const stages = path.points.map(({ stage }) => stage).filter(stage => seen.request.has(stage));
  const index = stages.findIndex(stage => {
    const count = seen.request.get(stage);
    return count !== undefined && count.small > 0 && count.own === 0;
  });
  if (index < 0) return undefined;
  return { direction: 'request', path, large: false, last: stages[index - 1], next: stages[index] };
}

/** Hops the packet may have vanished on: several where not every stage could be watched. */
function hopsOf({ path, last, next }: Loss): readonly Hop[] {
  const stages = path.points.map(({ stage }) => stage);
  const before = next === undefined ? stages.at(-1) : stages[stages.indexOf(next) - 1];
  const [from, to] = [hops.indexOf(hopAfter(path, last)), hops.indexOf(hopAfter(path, before))];
  return hops.slice(from, Math.max(from, to) + 1);
}

/** Seen to enter forwarding and not to leave it: what happens in between are packet filters. */
export function inFilter({ last, next }: Loss): boolean {
  return (
    (last === 'forward-in' && next === 'forward-out') ||
    (last === 'far-forward-in' && next === 'far-forward-out')
  );
}

/** Whether packet filters are among what lies between. */
function mayBeFilter({ path, last, next }: Loss): boolean {
  const stages = path.points.map(({ stage }) => stage);
  const from = last === undefined ? -1 : stages.indexOf(last);
  const to = next === undefined ? stages.length : stages.indexOf(next);
  return (['forward-in', 'far-forward-in'] as const).some(stage => {
    const index = stages.indexOf(stage);
    return index >= from && index < to;
  });
}

/** The finding that explains the loss, if one does. */
export function explanation(loss: Loss, findings: readonly Finding[]): Finding | undefined {
  const on = hopsOf(loss).map(hop => hops.indexOf(hop));
  return findings.find(({ vanishes: [first, last], large = false, filter = false }) => {
    if (large !== loss.large || (filter ? !mayBeFilter(loss) : inFilter(loss))) return false;
    return on.some(hop => hop >= hops.indexOf(first) && hop <= hops.indexOf(last));
  });
}

/** The verdict on a loss: a finding, else what a packet filter was seen to do, else what the place itself tells. */
export function blameFor(loss: Loss, findings: readonly Finding[], filters: readonly FilterVerdict[]): Blame {
  const { direction } = loss;
  const found = explanation(loss, findings);
  const drop = filters.find(({ kind }) => kind === 'drop');
  if (found && !(inFilter(loss) && drop)) return toBlame(direction, found);
  const [hop = 'out'] = hopsOf(loss);
  const node = hopNode(loss.path, hop);
  const place = { node, place: node, hop: hopText(loss.path, hop), direction };
  if (drop)
    return { ...place, cause: dropCause(loss, hop), text: filterText(drop), show: filterCommand(drop) };
  return { ...place, ...guess(loss, hop) };
}

export function toBlame(
  direction: Direction,
  { vanishes, large, filter, harmless, ...found }: Finding,
): Blame {
  return { ...found, direction };
}

/** The one who drops packets of the underlay parts it. */
function dropCause(loss: Loss, hop: Hop): Cause {
  if (inFilter(loss)) return 'forward-drop';
  return ['wrap', 'wire', 'unwrap'].includes(hop) ? 'underlay-partition' : 'filter-drop';
}

function guess(loss: Loss, hop: Hop): Pick<Blame, 'cause' | 'text' | 'show'> {
  const { path, large, last } = loss;
  const { from, to, tunnel, backend } = path;
  const watch = `tcpdump -ni ${hop === 'in' || hop === 'to-container' ? bridge : uplink}`;
  if (inFilter(loss)) {
    const text = 'a packet filter drops what is forwarded';
    return { cause: 'forward-drop', text, show: 'nft list ruleset' };
  }
  if (large) {
    const text = 'large packets vanish without a word, small ones pass';
    return { cause: 'mtu-blackhole', text, show: `ping -M do -s 1472 ${to.publicIp}` };
  }
  if (hop === 'wire') {
    const text = `what ${from.node} sends to ${to.publicIp} does not arrive`;
    return { cause: 'underlay-partition', text, show: `ping -c 1 -W 1 ${to.publicIp}` };
  }
  if (backend === 'udp' && (hop === 'wrap' || hop === 'unwrap')) {
    const text = `the daemon does not carry packets between ${tunnel} and ${uplink}`;
    return { cause: 'pump-dead', text, show: 'ss -lunp' };
  }
  const text = path.known
    ? `nothing in routes, neighbours, filters or sysctls tells why (last seen: ${last ?? 'nowhere'})`
    : `what a node with the backend ${backend} should have is not known here (last seen: ${last ?? 'nowhere'})`;
  return { cause: 'unexplained', text, show: watch };
}

/** Who rewrote the source address. Without a rule that did: a node that the packet should not have come by. */
export function rewriter(loss: Loss, findings: readonly Finding[], filters: readonly FilterVerdict[]): Blame {
  const rule = filters.find(({ kind }) => kind === 'masquerade');
  const detour = rule ? undefined : explanation(loss, findings);
  if (detour) return toBlame(loss.direction, detour);
  const [hop = 'out'] = hopsOf(loss);
  const node = hopNode(loss.path, hop);
  const place = { node, place: node, hop: hopText(loss.path, hop), direction: loss.direction };
  return {
    ...place,
    cause: 'masquerade',
    text: `the source is no longer ${loss.path.from.address}${rule ? `: ${filterText(rule)}` : ''}`,
    show: rule ? filterCommand(rule) : 'nft list ruleset',
  };
}

/** Both directions, and what is wrong on each. */
export interface Diagnosis {
  readonly paths: Readonly<Record<Direction, Path>>;
  readonly findings: Readonly<Record<Direction, readonly Finding[]>>;
}

/** Without any evidence: the first finding that is one for sure, or none. */
export function blameWithout({ findings }: Diagnosis): Pick<Verdict, 'outcome' | 'large' | 'blame'> {
  const sure = (['request', 'answer'] as const).flatMap(direction =>
    findings[direction]
      .filter(({ filter, harmless }) => !filter && !harmless)
      .map(found => ({ direction, found })),
  );
  const [first] = sure.toSorted((a, b) => Number(a.found.large ?? false) - Number(b.found.large ?? false));
  if (!first) return { outcome: 'unknown', large: false };
  const large = first.found.large ?? false;
  return { outcome: 'lost', large, blame: toBlame(first.direction, first.found) };
}

/** The node the loss begins on. */
export function nodeOf(loss: Loss): string {
  return hopNode(loss.path, hopsOf(loss)[0] ?? 'out');
}

export interface Verdict {
  readonly from: string;
  readonly to: string;
  /** `rewritten`: it arrives, with another source address. `unknown`: no ping could be sent, and nothing looks wrong. */
  readonly outcome: 'reached' | 'lost' | 'rewritten' | 'unknown';
  /** Only packets of the size of the container's MTU. */
  readonly large: boolean;
  /** Absent when reached. */
  readonly blame?: Blame;
  /** All that is not as it should be, on each direction. */
  readonly findings: Readonly<Record<Direction, readonly Finding[]>>;
  /** What could not be looked at, and what a sender is told. */
  readonly remarks: readonly string[];
  readonly seconds: number;
}

/** One line, in plain words. */
export function verdictLine({ from, to, outcome, large, blame }: Verdict): string {
  if (!blame)
    return outcome === 'reached' ? `${from} reaches ${to}` : `whether ${from} reaches ${to} is unknown`;
  const { direction, node, hop, text, place, show } = blame;
  const what = outcome === 'rewritten' ? 'rewritten' : 'lost';
  return `${large ? 'large ' : ''}${direction} ${what} on ${node} ${hop}: ${text} (on ${place}: ${show})`;
}

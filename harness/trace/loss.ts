// Where marked pings got lost, or were rewritten, as counters at the points of their path tell; pure.
import type { Finding } from './checks/finding.ts';
import type { Count, Direction, Seen } from './counters.ts';
import { type Hop, hopAfter, hopNode, hops, type Path, type Stage } from './path.ts';

export interface PingResult {
  readonly received: number;
  /** That a smaller packet is wanted: by its own kernel or a router's ICMP, so that it can adapt. */
  readonly toldMtu: number | undefined;
}

export interface Evidence {
  readonly seen: Readonly<Record<Direction, Seen>>;
  readonly small: PingResult;
  readonly large: PingResult;
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
export function hopsOf({ path, last, next }: Loss): readonly Hop[] {
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

/** The node the loss begins on. */
export function nodeOf(loss: Loss): string {
  return hopNode(loss.path, hopsOf(loss)[0] ?? 'out');
}

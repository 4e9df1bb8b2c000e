// Puts together where packets were last seen and what is not as it should be, into one verdict; pure.
import type { Cause, Finding } from './checks/finding.ts';
import type { Direction } from './counters.ts';
import { filterCommand, filterText } from './filter-trace.ts';
import { type Heard, heardBlame } from './heard.ts';
import { explanation, hopsOf, inFilter, type Loss } from './loss.ts';
import type { Means } from './means.ts';
import { bridge, type Hop, hopNode, hopText, type Path, uplink } from './path.ts';

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

/** The verdict on a loss: a finding, else what a packet filter or the kernel was heard to do, else what the place tells. */
export function blameFor(loss: Loss, findings: readonly Finding[], heard: Heard): Blame {
  const { direction } = loss;
  const found = explanation(loss, findings);
  const drop = heard.filters.find(({ kind }) => kind === 'drop');
  if (found && !(inFilter(loss) && drop)) return toBlame(direction, found);
  const [hop = 'out'] = hopsOf(loss);
  const node = hopNode(loss.path, hop);
  const place = { node, place: node, hop: hopText(loss.path, hop), direction };
  if (drop)
    return { ...place, cause: dropCause(loss, hop), text: filterText(drop), show: filterCommand(drop) };
  // Of large packets, hardly anything but their size is told apart from others.
  const told = loss.large ? undefined : heardBlame(loss, hop, dropCause(loss, hop), heard);
  return { ...place, ...(told ?? guess(loss, hop)) };
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
export function rewriter(loss: Loss, findings: readonly Finding[], { filters }: Heard): Blame {
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
  /** By which it was found. */
  readonly means: readonly Means[];
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

// One state beside another: what is of the node itself is named by its role first, so that only real differences are left; pure.
import type { Comparison } from '../report/data.ts';
import type { NodeState } from './state.ts';

/** What nodes are told apart by. */
export interface Member {
  readonly name: string;
  readonly address: string;
  /** `10.5.3.0/24`. */
  readonly lease: string | undefined;
  readonly workloads: readonly { readonly address: string }[];
}

/** The same node, then and now. */
export function besideItself(then: NodeState, now: NodeState, when: string): Comparison {
  return { node: now.node, beside: `itself ${when}`, ...difference(then.lines, now.lines) };
}

/**
 * Two nodes of one cluster. What each has of its own is `own`, what it has of the other is `peer`, and everybody else
 * goes by name: entries for a third node must be the same on both.
 */
export function besideAnother(
  healthy: NodeState,
  sick: NodeState,
  members: readonly Member[],
  states: readonly NodeState[],
): Comparison {
  const text = (of: NodeState, other: NodeState) =>
    inRoles(of.lines, names(members, states, of.node, other.node));
  return {
    node: sick.node,
    beside: `${healthy.node}, which is healthy`,
    ...difference(text(healthy, sick), text(sick, healthy)),
  };
}

/** Copies count: two equal rules are not one. */
export function difference(
  before: readonly string[],
  after: readonly string[],
): { readonly missing: readonly string[]; readonly extra: readonly string[] } {
  return { missing: without(before, after), extra: without(after, before) };
}

function without(lines: readonly string[], others: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter(line => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

type Roles = ReadonlyMap<string, string>;

/** From what stands in the text to what it is for. What several nodes have (a MAC of all bridges) is the node's own first. */
function names(members: readonly Member[], states: readonly NodeState[], self: string, other: string): Roles {
  const rank = ({ name }: Member) => (name === self ? 2 : name === other ? 1 : 0);
  return new Map(
    members
      .toSorted((a, b) => rank(a) - rank(b))
      .flatMap(({ name, address, lease, workloads }) => {
        const whose = name === self ? 'own' : name === other ? "peer's" : `${name}'s`;
        const own = states.find(({ node }) => node === name)?.own ?? new Map<string, string>();
        const [base] = lease?.split('/') ?? [];
        const subnet = [
          ...(lease === undefined ? [] : [[lease, 'subnet']]),
          ...(base === undefined ? [] : [[base, 'tunnel address']]),
        ];
        const containers = workloads.map((workload, index) => [workload.address, `container ${index + 1}`]);
        const things = [[address, 'address'], ...own, ...subnet, ...containers];
        return things.map(([text = '', role]) => [text, `<${whose} ${role}>`] as const);
      }),
  );
}

/** Whole addresses only: 10.5.1.1 is not a part of 10.5.1.10. */
function inRoles(lines: readonly string[], roles: Roles): readonly string[] {
  const known = [...roles.keys()].toSorted((a, b) => b.length - a.length);
  const escaped = known.map(text => text.replaceAll('.', '\\.'));
  const pattern = new RegExp(`(?<![\\w.:])(?:${escaped.join('|')})(?![\\w:]|\\.\\d)`, 'g');
  return lines.map(line => line.replaceAll(pattern, found => roles.get(found) ?? found)).toSorted();
}

/**
 * The node that is most likely well: not blamed, then with the fewest pairs that failed. Undefined when nobody is
 * better off than all the others.
 */
export function healthiest(
  members: readonly Member[],
  isBlamed: (name: string) => boolean,
  wrongPairs: (name: string) => number,
): string | undefined {
  const ranked = members
    .map(({ name }) => ({ name, harm: (isBlamed(name) ? 1e6 : 0) + wrongPairs(name) }))
    .toSorted((a, b) => a.harm - b.harm);
  const [best] = ranked;
  return best && best.harm < (ranked.at(-1)?.harm ?? 0) ? best.name : undefined;
}

// What an injection is: a cause that is made on purpose, and the verdict that must follow.
import type { Cluster } from '../../cluster.ts';
import type { Cause } from '../checks/finding.ts';
import type { Direction } from '../counters.ts';
import type { Verdict } from '../verdict.ts';

/** What is to be found out, from node1/a to node2/a. */
export interface Expected {
  readonly node: string;
  readonly cause: Cause;
  /** Default: the request. */
  readonly direction?: Direction;
  /** Checked where it is given. */
  readonly hop?: string;
  /** Only large packets are lost. Default false. */
  readonly large?: boolean;
}

/** The shell breaks and mends; `$POD2` and the like are filled in from the cluster. */
export interface ShellInjection {
  readonly name: string;
  readonly expected: Expected;
  /** The place of the shell: `node1`, `node2/a`, or the `underlay` between the nodes. */
  readonly on: string;
  readonly breaks: string;
  readonly heals: string;
  /** Without which the cause is not found; default: what every machine has. */
  readonly needs?: 'drop tracepoint';
}

/** Something of the vocabulary of faults does; disposing of it mends. */
export interface FaultInjection {
  readonly name: string;
  readonly expected: Expected;
  readonly fault: (cluster: Cluster) => Promise<AsyncDisposable>;
}

export type CauseInjection = ShellInjection | FaultInjection;

/** The slowest verdict that is still right, in seconds. */
const slowest = 3;

/** What of the verdict is not as it should be, in words; pure. */
export function mismatches(
  { outcome, large, blame, seconds }: Pick<Verdict, 'outcome' | 'large' | 'blame' | 'seconds'>,
  expected: Expected,
): readonly string[] {
  const { node, cause, direction = 'request', hop = blame?.hop } = expected;
  const wanted = {
    outcome: cause === 'masquerade' ? 'rewritten' : 'lost',
    node,
    cause,
    direction,
    hop,
    large: expected.large ?? false,
  };
  const seen = {
    outcome,
    node: blame?.node,
    cause: blame?.cause,
    direction: blame?.direction,
    hop: blame?.hop,
    large,
  };
  const wrong = (Object.keys(wanted) as (keyof typeof wanted)[])
    .filter(key => wanted[key] !== seen[key])
    .map(key => `${key} is ${seen[key]}, not ${wanted[key]}`);
  return seconds < slowest ? wrong : [...wrong, `it took ${seconds} s, not less than ${slowest}`];
}

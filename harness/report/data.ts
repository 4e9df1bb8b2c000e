// What a report shows of one failure: plain data, so that a report is a function of it.
import type { Matrix } from '../checks/reachability.ts';
import type { Happening } from '../journal.ts';
import type { Verdict } from '../trace/verdict.ts';

/** All times are milliseconds since the epoch. */
export interface EvidenceData {
  /** Name of the test, or the command. */
  readonly title: string;
  /** False when somebody asked for it by hand. */
  readonly hasFailed: boolean;
  /** The whole message. */
  readonly failure: string;
  /** The one command that shows it again. */
  readonly reproduce: string | undefined;
  /** Whether it would have passed later; undefined when nobody looked. */
  readonly later: string | undefined;
  readonly since: number;
  /** When it failed. */
  readonly at: number;
  /** When somebody looked last. */
  readonly until: number;
  readonly cluster: ClusterSketch;
  readonly nodes: readonly NodeSketch[];
  readonly sweeps: readonly Sweep[];
  readonly verdicts: readonly Verdict[];
  readonly happenings: readonly Happening[];
  readonly outages: readonly Outage[];
  readonly lines: readonly LogLine[];
  readonly comparisons: readonly Comparison[];
  readonly files: readonly EvidenceFile[];
}

export interface ClusterSketch {
  readonly name: string;
  readonly driver: string;
  readonly backend: string;
  readonly daemon: string;
  readonly etcdMembers: number;
}

export interface NodeSketch {
  readonly name: string;
  readonly address: string;
  readonly daemon: string;
  /** `10.5.3.0/24`; undefined without a lease. */
  readonly lease: string | undefined;
  readonly workloads: readonly { readonly name: string; readonly address: string }[];
}

/** One look at all pairs. */
export interface Sweep {
  readonly at: number;
  readonly matrix: Matrix;
}

/** Time in which one container did not reach another. */
export interface Outage {
  readonly from: string;
  readonly to: string;
  readonly begin: number;
  /** Undefined while it lasts. */
  readonly end: number | undefined;
  /** Packets. */
  readonly lost: number;
}

export type Level = 'info' | 'warn' | 'error';

/** Something said, by a daemon, by etcd of its keys, by the kernel. */
export interface LogLine {
  readonly at: number;
  /** `node1`, `etcd`, `kernel`. */
  readonly source: string;
  readonly level: Level;
  readonly text: string;
}

/** One node's state beside another state. */
export interface Comparison {
  readonly node: string;
  /** Completes "node1 beside …": `node3, which is healthy`. */
  readonly beside: string;
  /** What only the other state has. */
  readonly missing: readonly string[];
  /** What only this node's state has. */
  readonly extra: readonly string[];
}

export interface EvidenceFile {
  /** Below the folder. */
  readonly path: string;
  readonly bytes: number;
  /** What is wrong with it: `could not be collected`, `cut`. */
  readonly note: string | undefined;
}

/** How all pairs were when it failed: what was seen later is another matter. */
export function failedMatrix({ sweeps, at }: Pick<EvidenceData, 'sweeps' | 'at'>): Matrix {
  return sweeps.findLast(sweep => sweep.at <= at)?.matrix ?? [];
}

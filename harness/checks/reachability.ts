// Which workload reaches which, as data: one ping per ordered pair, and the source address the receiver saw.
import { describeError, UserError } from '../../lib/errors.ts';
import { table } from '../../lib/table.ts';
import { until } from '../../lib/wait.ts';
import type { WorkloadHandle } from '../drivers/driver.ts';
import { unlessOff } from '../drivers/node-off.ts';

/** `rewritten`: the echo request arrived, but not from the sender's own address. */
export type Outcome = 'reached' | 'lost' | 'rewritten';

export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly expected: Outcome;
  readonly outcome: Outcome;
}

export type Matrix = readonly Cell[];

export type Expectation = (from: WorkloadHandle, to: WorkloadHandle) => Outcome;

/** Every workload reaches every other one. */
export const allPairs: Expectation = () => 'reached';

/** Every workload reaches every other one, whose node's docker hides its address behind the node's. */
export const allPairsMasqueraded: Expectation = () => 'rewritten';

/** Nothing to or from these nodes gets through. */
export function allPairsExcept(nodes: readonly { readonly name: string }[]): Expectation {
  const cut = (workload: WorkloadHandle) => nodes.some(node => workload.name.startsWith(`${node.name}/`));
  return (from, to) => (cut(from) || cut(to) ? 'lost' : 'reached');
}

export function wrongCells(matrix: Matrix): Matrix {
  return matrix.filter(cell => cell.outcome !== cell.expected);
}

/** One round over all ordered pairs, at the same time. */
export async function sweep(workloads: readonly WorkloadHandle[], expected: Expectation): Promise<Matrix> {
  const nobody: ReadonlySet<string> = new Set();
  await Promise.all(workloads.map(workload => unlessOff(startWatching(workload), undefined)));
  const answers = await Promise.all(workloads.map(from => unlessOff(pingAll(from, workloads), nobody)));
  const sources = await Promise.all(workloads.map(workload => unlessOff(sourcesSeen(workload), nobody)));
  return workloads.flatMap((from, i) =>
    workloads.flatMap((to, j) => {
      if (from === to) return [];
      const answered = answers[i]?.has(to.address);
      const outcome = !answered ? 'lost' : sources[j]?.has(from.address) ? 'reached' : 'rewritten';
      return [{ from: from.name, to: to.name, expected: expected(from, to), outcome } satisfies Cell];
    }),
  );
}

export interface ReachableOptions {
  readonly expected: Expectation;
  /** Milliseconds until every cell must be as expected. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** One line for each cause of what failed; never rejects. */
  readonly explain?: (wrong: Matrix) => Promise<readonly string[]>;
  /** Told what each look came to. */
  readonly onSweep?: (matrix: Matrix) => void;
}

/** Sweeps until every cell is as expected; the error of a matrix that never was shows its last state. */
export async function expectReachable(
  workloads: readonly WorkloadHandle[],
  options: ReachableOptions,
): Promise<Matrix> {
  const { expected, timeout, signal, explain, onSweep } = options;
  let lastSeen: Matrix = [];
  const probe = async () => {
    lastSeen = await sweep(workloads, expected);
    onSweep?.(lastSeen);
    return wrongCells(lastSeen).length === 0 ? lastSeen : undefined;
  };
  try {
    return await until(probe, { what: 'reachability', timeout, interval: 200, signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (lastSeen.length === 0) throw cause;
    const why = (await explain?.(wrongCells(lastSeen))) ?? [];
    throw new UnreachableError(lastSeen, why, timeout, cause);
  }
}

/** The matrix is the message, and why its cells failed. */
export class UnreachableError extends UserError {
  readonly matrix: Matrix;

  constructor(matrix: Matrix, why: readonly string[], timeout: number, cause: unknown) {
    const wrong = wrongCells(matrix).length;
    const how = `${wrong} of ${matrix.length} pairs are not as expected after ${timeout / 1000} s`;
    const lines = [how, renderMatrix(matrix), ...why, `(${describeError(cause)})`];
    super(lines.join('\n'), { cause });
    this.name = 'UnreachableError';
    this.matrix = matrix;
  }
}

/** A table, senders down and receivers across; a cell that is not as expected is marked `<`. */
export function renderMatrix(matrix: Matrix): string {
  const names = [...new Set(matrix.map(cell => cell.from))];
  const words: Record<Outcome, string> = { reached: 'ok', lost: 'lost', rewritten: 'rewritten' };
  const find = (from: string, to: string) => matrix.find(cell => cell.from === from && cell.to === to);
  const text = (from: string, to: string) => {
    const cell = find(from, to);
    if (!cell) return '·';
    return cell.outcome === cell.expected ? words[cell.outcome] : `${words[cell.outcome]} <`;
  };
  return table([['from \\ to', ...names], ...names.map(from => [from, ...names.map(to => text(from, to))])]);
}

/** The kernel of the receiver notes where echo requests come from; nothing has to run there. */
async function startWatching(workload: WorkloadHandle): Promise<void> {
  await workload.run(['nft', '-f', '-'], {
    input: `add table ip lab
add set ip lab sources { type ipv4_addr; flags dynamic; size 4096; }
add chain ip lab arriving { type filter hook input priority 0; }
flush chain ip lab arriving
flush set ip lab sources
add rule ip lab arriving icmp type echo-request add @sources { ip saddr }
`,
  });
}

async function sourcesSeen(workload: WorkloadHandle): Promise<ReadonlySet<string>> {
  const { stdout } = await workload.run(['nft', '-j', 'list', 'set', 'ip', 'lab', 'sources']);
  const { nftables } = JSON.parse(stdout) as { nftables: { set?: { elem?: string[] } }[] };
  return new Set(nftables.flatMap(item => item.set?.elem ?? []));
}

/** The addresses that answered one ping each. */
export async function pingAll(
  from: WorkloadHandle,
  to: readonly { readonly address: string }[],
): Promise<ReadonlySet<string>> {
  const targets = to.filter(other => other !== from).map(other => other.address);
  const script = `for target in ${targets.join(' ')}; do
  ping -n -q -c 1 -W 1 $target >/dev/null 2>&1 && echo $target &
done
wait`;
  const { stdout } = await from.run(['sh', '-c', script]);
  return new Set(stdout.split('\n').filter(Boolean));
}

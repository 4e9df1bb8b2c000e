// Why cells of a reachability matrix failed: a verdict for a few of them, at the same time.
import type { Matrix } from '../checks/reachability.ts';
import { type Traceable, Tracer } from './trace.ts';
import { type Verdict, verdictLine } from './verdict.ts';

/** Each costs the nodes a second of work; more cells than these seldom fail for more causes. */
const atMost = 3;

/** Never rejects: what could not be traced is left out. Cells that should have been lost have nothing to explain. */
export async function verdictsOn(cluster: Traceable, wrong: Matrix): Promise<readonly Verdict[]> {
  const cells = spread(wrong.filter(({ outcome }) => outcome !== 'reached')).slice(0, atMost);
  await using tracer = new Tracer(cluster);
  const workloads = cluster.nodes.flatMap(node => node.workloads);
  const find = (name: string) => workloads.find(workload => workload.name === name);
  const traces = cells.map(async cell => {
    const [from, to] = [find(cell.from), find(cell.to)];
    return from && to ? tracer.trace(from, to).catch(() => undefined) : undefined;
  });
  return (await Promise.all(traces)).filter(verdict => verdict !== undefined);
}

/** Cells of senders and receivers that were not among those before come first. */
export function spread(cells: Matrix): Matrix {
  const met = new Set<string>();
  const isNew = ({ from, to }: Matrix[number]) => {
    const fresh = !met.has(`from ${from}`) || !met.has(`to ${to}`);
    met.add(`from ${from}`).add(`to ${to}`);
    return fresh;
  };
  const [first, rest] = [cells.filter(isNew), new Set<Matrix[number]>()];
  for (const cell of cells) if (!first.includes(cell)) rest.add(cell);
  return [...first, ...rest];
}

/** One line for each verdict; what is the same for several cells is told once. */
export function cellLines(verdicts: readonly Verdict[]): readonly string[] {
  const lines = Map.groupBy(verdicts, verdict => verdictLine(verdict));
  const told = [...lines].filter(([, [verdict]]) => verdict?.outcome !== 'unknown');
  return told.map(([line, [verdict]]) =>
    verdict?.blame ? `${verdict.from} to ${verdict.to}: ${line}` : `${line} by now`,
  );
}

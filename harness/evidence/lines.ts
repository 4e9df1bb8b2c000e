// What etcd and the kernel tell, as lines for the time line.
import type { NodeHandle } from '../drivers/driver.ts';
import type { LogLine } from '../report/data.ts';
import type { StoreEvent } from '../store-history.ts';
import { kernelLines } from './log-lines.ts';

/** Without those whose time nobody knows. Pure. */
export function storeLines(events: readonly StoreEvent[], prefix: string): readonly LogLine[] {
  return events.flatMap(({ at, kind, key, value, revision }) => {
    if (at === undefined) return [];
    const name = key.startsWith(`${prefix}/`) ? key.slice(prefix.length + 1) : key;
    const text = kind === 'put' ? `put ${name} ${value}` : `delete ${name}`;
    return [{ at, source: 'etcd', level: 'info', text: `${text} (revision ${revision})` } as const];
  });
}

/** What bridges and virtual links say when nodes come and go. */
const chatter =
  /entered (blocking|disabled|forwarding|learning|promiscuous|allmulticast)|left (promiscuous|allmulticast)|renamed from|link becomes ready/;

/** The kernel is one for all nodes: asked where it answers first. `since`: milliseconds since the epoch. */
export async function kernelLog(
  nodes: readonly NodeHandle[],
  since: number,
): Promise<{ readonly text: string; readonly lines: readonly LogLine[] }> {
  const ask = async (node: NodeHandle) => {
    const { stdout } = await node.run(['sh', '-c', 'cat /proc/uptime && dmesg'], { timeout: 2500 });
    return stdout;
  };
  const answer = await Promise.any(nodes.map(ask)).catch(({ errors: [first] }: AggregateError) => {
    throw first ?? new Error('there is no node to ask');
  });
  const end = answer.indexOf('\n');
  const bootedAt = Date.now() - Number(answer.slice(0, end).split(' ')[0]) * 1000;
  const all = kernelLines(answer.slice(end + 1), bootedAt, since);
  const text = all.map(({ at, text }) => `${new Date(at).toISOString()} ${text}\n`).join('');
  return {
    text: text || 'the kernel has said nothing since the cluster was made\n',
    lines: all.filter(line => !chatter.test(line.text)),
  };
}

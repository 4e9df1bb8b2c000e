// The kernel through iproute2: JSON reads side by side, and one batch for any number of changes.

import { UserError } from '../../lib/errors.ts';
import type { Family } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import type { Runner } from '../../lib/run.ts';
import type { Op } from '../model/diff.ts';
import type { NetState } from '../model/net-state.ts';
import { batchLines, type NetworkOp, type Tool, toolOf } from './argv.ts';
import { Batch } from './batch.ts';
import { Echoes } from './echoes.ts';
import type { Failure, Kernel, Path, ReadScope } from './kernel.ts';
import { monitor } from './monitor.ts';
import { parseAddresses, parseFdb, parseLinks, parseNeighbours, parsePath, parseRoutes } from './parse.ts';
import type { Converse, LineSource } from './spawn.ts';
import type { Sysctls } from './sysctls.ts';

export interface Iproute2 {
  readonly runner: Runner;
  readonly lines: LineSource;
  readonly converse: Converse;
  readonly sysctls: Sysctls;
  /** Whether the network may be changed; undefined when only trying can tell. */
  readonly permission: () => Promise<boolean | undefined>;
  readonly log: Logger;
}

export function createIproute2(tools: Iproute2): Kernel {
  const batches = { ip: new Batch('ip', tools.converse), bridge: new Batch('bridge', tools.converse) };
  const echoes = new Echoes();
  return {
    read(scope, signal) {
      retire(batches);
      return readState(tools, scope, signal);
    },
    apply(ops, signal) {
      echoes.expect(ops);
      return applyOps(batches, tools.sysctls, ops, signal);
    },
    pathTo: (ip, signal) => readPath(tools, ip, signal),
    mayChange: async signal => (await tools.permission()) ?? probe(tools, signal),
    changes: (scope, signal) => monitor(scope, echoes, tools.lines, tools.log, signal),
  };
}

type Batches = Readonly<Record<Tool, Batch>>;

/** Reading means that things may have changed. */
function retire(batches: Batches): void {
  for (const batch of Object.values(batches)) batch.retire();
}

async function readState(
  { runner, sysctls: settings }: Iproute2,
  { families, devices, sysctls }: ReadScope,
  signal: AbortSignal,
): Promise<NetState> {
  const parts = await Promise.all([
    ...families.map((family, index) => readIp(runner, family, index === 0, devices, signal)),
    ...devices.map(dev => readFdb(runner, dev, signal)),
    ...sysctls.map(path => readSysctl(settings, path)),
  ]);
  return parts.flat();
}

const queries = ['address show', 'route show table main', 'neighbour show nud permanent'] as const;

/** One process for all of a family that `ip` knows: each start of one costs as much as the reading itself. */
async function readIp(
  runner: Runner,
  family: Family,
  withLinks: boolean,
  devices: readonly string[],
  signal: AbortSignal,
): Promise<NetState> {
  const questions = withLinks ? [...queries, 'link show'] : queries;
  const input = `${questions.join('\n')}\n`;
  const { stdout } = await runner.run(['ip', '-d', '-j', `-${family}`, '-batch', '-'], { input, signal });
  const answers = stdout.trimEnd().split('\n');
  const [addresses = '', routes = '', neighbours = '', links = ''] = answers;
  if (answers.length !== questions.length)
    throw new UserError(`ip printed ${answers.length} answers to ${questions.length} questions`, {
      hint: 'iproute2 4.20 or later is needed',
    });
  return [
    ...parseLinks(links),
    ...parseAddresses(addresses),
    ...parseRoutes(routes, family),
    ...parseNeighbours(neighbours, devices),
  ];
}

async function readFdb(runner: Runner, dev: string, signal: AbortSignal): Promise<NetState> {
  // 255 is "no such device": then there are no entries either.
  const okCodes = [0, 1, 255];
  const { stdout } = await runner.run(['bridge', '-j', 'fdb', 'show', 'dev', dev], { signal, okCodes });
  return parseFdb(stdout, dev);
}

async function readSysctl(settings: Sysctls, path: string): Promise<NetState> {
  const value = await settings.read(path);
  return value === undefined ? [] : [{ kind: 'sysctl', path, value }];
}

async function readPath({ runner }: Iproute2, ip: string, signal: AbortSignal): Promise<Path | undefined> {
  const argv = ['ip', '-j', 'route', 'get', ip] as const;
  const { code, stdout } = await runner.run([...argv], { signal, okCodes: [0, 1, 2] });
  return code === 0 ? parsePath(stdout) : undefined;
}

/** Asks to remove a route that nobody has: of an address for documentation (RFC 5737), by a protocol nobody is. */
async function probe({ runner }: Iproute2, signal: AbortSignal): Promise<boolean> {
  const route = ['192.0.2.1/32', 'dev', 'lo', 'proto', '254', 'metric', '4294967294'] as const;
  const { stderr } = await runner.run(['ip', 'route', 'del', ...route], { signal, okCodes: [0, 1, 2] });
  return !/not permitted/i.test(stderr);
}

async function applyOps(
  batches: Batches,
  sysctls: Sysctls,
  ops: readonly Op[],
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const network = ops.filter((op): op is NetworkOp => op.entry.kind !== 'sysctl');
  const isLink = ({ entry }: NetworkOp) => entry.kind === 'link';
  const rest = Map.groupBy(
    network.filter(op => !isLink(op)),
    toolOf,
  );
  // Everything else may stand on a link; `ip` and `bridge` changes do not need each other.
  const made = network.filter(op => isLink(op) && op.verb === 'put');
  const first = await runBatch(batches.ip, made, signal);
  if (made.length > 0) retire(batches);
  const others = await Promise.all([
    ...rest.entries().map(([tool, those]) => runBatch(batches[tool], those, signal)),
    ...ops.filter(({ entry }) => entry.kind === 'sysctl').map(op => writeSysctl(sysctls, op)),
  ]);
  // Packets leave a device that goes before it is gone.
  const gone = network.filter(op => isLink(op) && op.verb === 'remove');
  const last = await runBatch(batches.ip, gone, signal);
  return [...first, ...others.flat(), ...last];
}

interface Line {
  readonly op: NetworkOp;
  readonly text: string;
}

async function runBatch(
  batch: Batch,
  ops: readonly NetworkOp[],
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const lines = ops.flatMap(op => batchLines(op).map(text => ({ op, text })));
  return runLines(batch, lines, signal);
}

async function runLines(
  batch: Batch,
  lines: readonly Line[],
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const [first] = lines;
  if (!first) return [];
  const texts = lines.map(({ text }) => text);
  const { errors, aborted } = await batch.run(texts, signal);
  if (aborted === undefined)
    return errors.flatMap(({ line, reason }) => {
      const failed = lines[line - 1];
      return failed && !isDone(failed.op, reason)
        ? [{ op: failed.op, reason: `${failed.text}: ${reason}` }]
        : [];
    });
  if (lines.length === 1)
    return isDone(first.op, aborted) ? [] : [{ op: first.op, reason: `${first.text}: ${aborted}` }];
  // `ip neighbour` ends the whole batch when it fails, without saying where. Doing a line twice does no harm.
  const half = Math.ceil(lines.length / 2);
  return [
    ...(await runLines(batch, lines.slice(0, half), signal)),
    ...(await runLines(batch, lines.slice(half), signal)),
  ];
}

/** Removing what is already gone, alone or with its device, is what was wanted. */
function isDone({ verb }: Op, reason: string): boolean {
  return verb === 'remove' && /No such (process|file|device)|Cannot (find|assign)|not found/i.test(reason);
}

async function writeSysctl(sysctls: Sysctls, op: Op): Promise<Failure[]> {
  if (op.entry.kind !== 'sysctl' || op.verb === 'remove') return [];
  const { path, value } = op.entry;
  try {
    await sysctls.write(path, value);
    return [];
  } catch (error) {
    return [{ op, reason: error instanceof Error ? error.message : String(error) }];
  }
}

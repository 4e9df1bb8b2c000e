// The kernel through iproute2: JSON reads side by side, and one batch for any number of changes.

import { UserError } from '../../lib/errors.ts';
import type { Family } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import type { Runner } from '../../lib/run.ts';
import type { Op } from '../model/diff.ts';
import type { LinkEntry, NetState } from '../model/net-state.ts';
import { batchLines, type NetworkOp, type Tool, toolOf } from './argv.ts';
import { Batch } from './batch.ts';
import { Echoes } from './echoes.ts';
import { type Failure, isUnknownType, type Kernel, type Path, type ReadScope } from './kernel.ts';
import { monitor } from './monitor.ts';
import { parseAddresses, parseFdb, parseLinks, parseNeighbours, parsePath, parseRoutes } from './parse.ts';
import type { Converse, LineSource } from './spawn.ts';
import type { Sysctls } from './sysctls.ts';
import { Wg } from './wg.ts';
import { isWireguardOp } from './wg-config.ts';
import { startUserspace } from './wireguard-go.ts';

export interface Iproute2 {
  readonly runner: Runner;
  readonly lines: LineSource;
  readonly converse: Converse;
  readonly sysctls: Sysctls;
  /** Whether the network may be changed; undefined when only trying can tell. */
  readonly permission: () => boolean | undefined;
  readonly log: Logger;
}

export function createIproute2(tools: Iproute2): Kernel {
  const batches = { ip: new Batch('ip', tools.converse), bridge: new Batch('bridge', tools.converse) };
  const echoes = new Echoes();
  const wg = new Wg(tools.runner);
  return {
    read(scope, signal) {
      retire(batches);
      return readState(tools, wg, scope, signal);
    },
    apply(ops, signal) {
      echoes.expect(ops);
      return applyOps({ ...tools, batches, wg }, ops, signal);
    },
    pathTo: (ip, signal) => readPath(tools, ip, signal),
    mayChange: async signal => tools.permission() ?? probe(tools, signal),
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
  wg: Wg,
  { families, devices, sysctls }: ReadScope,
  signal: AbortSignal,
): Promise<NetState> {
  const parts = await Promise.all([
    ...families.map((family, index) => readIp(runner, family, index === 0, devices, signal)),
    ...devices.map(dev => readFdb(runner, dev, signal)),
    ...sysctls.map(path => readSysctl(settings, path)),
  ]);
  return insideWireguard(wg, parts.flat(), devices, signal);
}

/** With what `wg` knows of devices of ours: whoever carries their packets, they are wireguard ones. */
async function insideWireguard(
  wg: Wg,
  state: NetState,
  devices: readonly string[],
  signal: AbortSignal,
): Promise<NetState> {
  const suspects = state.filter(
    (entry): entry is LinkEntry =>
      entry.kind === 'link' &&
      devices.includes(entry.name) &&
      (entry.tunnel?.type === 'wireguard' || entry.tunnel?.type === 'tun'),
  );
  if (suspects.length === 0) return state;
  const found = await Promise.all(
    suspects.map(async (link): Promise<NetState> => {
      const inside = await wg.read(link.name, signal);
      return inside ? [{ ...link, tunnel: { type: 'wireguard' } }, ...inside] : [link];
    }),
  );
  return [...state.filter(entry => !suspects.includes(entry as LinkEntry)), ...found.flat()];
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

interface Tools extends Iproute2 {
  readonly batches: Batches;
  readonly wg: Wg;
}

async function applyOps(tools: Tools, ops: readonly Op[], signal: AbortSignal): Promise<readonly Failure[]> {
  const { batches, sysctls, wg } = tools;
  const network = ops.filter((op): op is NetworkOp => op.entry.kind !== 'sysctl' && !isWireguardOp(op));
  const isLink = ({ entry }: NetworkOp) => entry.kind === 'link';
  const rest = Map.groupBy(
    network.filter(op => !isLink(op)),
    toolOf,
  );
  // Everything else may stand on a link; `ip` and `bridge` changes do not need each other.
  const made = network.filter(op => isLink(op) && op.verb === 'put');
  const first = await makeLinks(tools, made, signal);
  if (made.length > 0) retire(batches);
  const inside = await wg.apply(ops.filter(isWireguardOp), signal);
  const others = await Promise.all([
    ...rest.entries().map(([tool, those]) => runBatch(batches[tool], those, signal)),
    ...ops.filter(({ entry }) => entry.kind === 'sysctl').map(op => writeSysctl(sysctls, op)),
  ]);
  // Packets leave a device that goes before it is gone.
  const gone = network.filter(op => isLink(op) && op.verb === 'remove');
  const last = await runBatch(batches.ip, gone, signal);
  return [...first, ...inside, ...others.flat(), ...last];
}

/** Where the kernel has no wireguard, a program carries the packets, and the rest goes the same way. */
async function makeLinks(
  tools: Tools,
  ops: readonly NetworkOp[],
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const failures = await runBatch(tools.batches.ip, ops, signal);
  const isMissing = ({ op: { entry }, reason }: Failure) =>
    entry.kind === 'link' && entry.tunnel?.type === 'wireguard' && isUnknownType(reason);
  const missing = new Set(failures.filter(isMissing).map(({ op }) => op));
  const again: Failure[] = [];
  for (const op of missing) {
    if (op.entry.kind !== 'link') continue;
    const reason = await startUserspace(tools, op.entry.name, signal);
    tools.batches.ip.retire();
    const started: Op = { ...op, verb: 'put', replaces: { ...op.entry, mtu: 0, up: false } };
    if (reason) again.push({ op, reason });
    else
      for (const failure of await runBatch(tools.batches.ip, [started as NetworkOp], signal))
        again.push({ ...failure, op });
  }
  return [...failures.filter(({ op }) => !missing.has(op)), ...again];
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

// Changes of any kind, in the order in which they stand on each other.
import type { Logger } from '../../lib/log.ts';
import type { Runner } from '../../lib/run.ts';
import type { Op } from '../model/diff.ts';
import { batchLines, type DeviceOp } from './argv.ts';
import { runBatch } from './batch.ts';
import { type Failure, isUnknownType } from './kernel.ts';
import type { PeerOp } from './netlink/message.ts';
import type { PeerEntries } from './netlink/peers.ts';
import type { LineSource } from './spawn.ts';
import type { Sysctls } from './sysctls.ts';
import type { Wg } from './wg.ts';
import { isWireguardOp } from './wg-config.ts';
import { startUserspace } from './wireguard-go.ts';

export interface ChangingTools {
  readonly runner: Runner;
  readonly lines: LineSource;
  readonly sysctls: Sysctls;
  readonly log: Logger;
  readonly wg: Wg;
  readonly peers: PeerEntries;
}

interface DeviceFailure extends Failure {
  readonly op: DeviceOp;
}

/** Keeps the promise of `Kernel.apply`. */
export async function applyOps(
  tools: ChangingTools,
  ops: readonly Op[],
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const { runner, sysctls, wg, peers } = tools;
  // Packets leave a device that goes before it is gone; everything else may stand on one.
  const goes = ({ verb, entry }: Op) => verb === 'remove' && entry.kind === 'link';
  const first = await makeDevices(
    tools,
    ops.filter((op): op is DeviceOp => isDeviceOp(op) && !goes(op)),
    signal,
  );
  const inside = await wg.apply(ops.filter(isWireguardOp), signal);
  const settings = await Promise.all(ops.filter(isSysctl).map(op => writeSysctl(sysctls, op)));
  const others = await peers.apply(ops.filter(isPeerOp), signal);
  const gone = ops.filter((op): op is DeviceOp => isDeviceOp(op) && goes(op));
  const last = await changeDevices(runner, gone, batchLines, signal);
  return [...first, ...inside, ...settings.flat(), ...others, ...last];
}

/** Where the kernel has no wireguard, a program carries the packets, and the rest goes the same way. */
async function makeDevices(
  tools: ChangingTools,
  ops: readonly DeviceOp[],
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const failures = await changeDevices(tools.runner, ops, batchLines, signal);
  const started = new Set<string>();
  const rest: DeviceFailure[] = [];
  for (const failure of failures) {
    const { op, reason } = failure;
    const isMissing =
      op.entry.kind === 'link' && op.entry.tunnel?.type === 'wireguard' && isUnknownType(reason);
    const trouble = isMissing ? await startUserspace(tools, op.entry.name, signal) : reason;
    if (trouble === undefined) started.add(deviceOf(op));
    else rest.push({ op, reason: trouble });
  }
  const isOnStarted = (op: DeviceOp) => started.has(deviceOf(op));
  const again = await changeDevices(tools.runner, ops.filter(isOnStarted), linesOfStarted, signal);
  return [...rest.filter(({ op }) => !isOnStarted(op)), ...again];
}

function deviceOf({ entry }: DeviceOp): string {
  return entry.kind === 'link' ? entry.name : entry.dev;
}

/** The device is there, as the program made it. */
function linesOfStarted(op: DeviceOp): readonly string[] {
  const { entry } = op;
  return batchLines(
    entry.kind === 'link' ? { verb: 'put', entry, replaces: { ...entry, mtu: 0, up: false } } : op,
  );
}

async function changeDevices(
  runner: Runner,
  ops: readonly DeviceOp[],
  linesOf: (op: DeviceOp) => readonly string[],
  signal: AbortSignal,
): Promise<readonly DeviceFailure[]> {
  if (ops.length === 0) return [];
  const lines = ops.flatMap(op => linesOf(op).map(text => ({ op, text })));
  const texts = lines.map(({ text }) => text);
  return (await runBatch(runner, texts, signal)).flatMap(({ line, reason }) => {
    const failed = lines[line];
    if (!failed || isDone(failed.op, reason)) return [];
    return [{ op: failed.op, reason: `${failed.text}: ${reason}` }];
  });
}

/** Removing what is already gone, alone or with its device, is what was wanted. */
function isDone({ verb }: Op, reason: string): boolean {
  return verb === 'remove' && /No such (process|file|device)|Cannot (find|assign)|not found/i.test(reason);
}

function isDeviceOp(op: Op): op is DeviceOp {
  return op.entry.kind === 'link' || op.entry.kind === 'address';
}

function isSysctl({ entry }: Op): boolean {
  return entry.kind === 'sysctl';
}

function isPeerOp(op: Op): op is PeerOp {
  return op.entry.kind === 'route' || op.entry.kind === 'neighbour' || op.entry.kind === 'fdb';
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

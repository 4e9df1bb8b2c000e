// The kernel through iproute2: JSON reads side by side, and one batch for any number of changes.
import { readFile, writeFile } from 'node:fs/promises';
import type { Logger } from '../../lib/log.ts';
import { type Argv, CommandError, type Runner } from '../../lib/run.ts';
import type { Op } from '../model/diff.ts';
import type { NetState } from '../model/net-state.ts';
import { batchLines, type NetworkOp, type Tool, toolOf } from './argv.ts';
import type { Failure, Kernel, ReadScope } from './kernel.ts';
import { monitor } from './monitor.ts';
import { parseFdb, parseLinks, parseNeighbours, parseRoutes } from './parse.ts';

export function createIproute2(runner: Runner, log: Logger): Kernel {
  return {
    read: (scope, signal) => readState(runner, scope, signal),
    apply: (ops, signal) => applyOps(runner, ops, signal),
    changes: (scope, signal) => monitor(scope, log, signal),
  };
}

async function readState(
  runner: Runner,
  { devices, sysctls }: ReadScope,
  signal: AbortSignal,
): Promise<NetState> {
  const print = async (argv: Argv, okCodes = [0]) => (await runner.run(argv, { signal, okCodes })).stdout;
  const parts = await Promise.all([
    print(['ip', '-d', '-j', 'address', 'show']).then(parseLinks),
    print(['ip', '-j', '-4', 'route', 'show', 'table', 'main']).then(parseRoutes),
    devices.length === 0
      ? []
      : print(['ip', '-j', '-4', 'neighbour', 'show', 'nud', 'permanent']).then(json =>
          parseNeighbours(json, devices),
        ),
    // 255 is "no such device": then there are no entries either.
    ...devices.map(async dev =>
      parseFdb(await print(['bridge', '-j', 'fdb', 'show', 'dev', dev], [0, 1, 255]), dev),
    ),
    ...sysctls.map(readSysctl),
  ]);
  return parts.flat();
}

async function readSysctl(path: string): Promise<NetState> {
  try {
    return [{ kind: 'sysctl', path, value: (await readFile(`/proc/sys/${path}`, 'utf8')).trim() }];
  } catch {
    return [];
  }
}

async function applyOps(
  runner: Runner,
  ops: readonly Op[],
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const network = ops.filter((op): op is NetworkOp => op.entry.kind !== 'sysctl');
  const links = network.filter(({ entry }) => entry.kind === 'link');
  const rest = network.filter(({ entry }) => entry.kind !== 'link');
  // Everything else may stand on a link; `ip` and `bridge` changes do not need each other.
  const first = await runBatch(runner, 'ip', links, signal);
  const others = await Promise.all([
    ...(['bridge', 'ip'] as const).map(tool =>
      runBatch(
        runner,
        tool,
        rest.filter(op => toolOf(op) === tool),
        signal,
      ),
    ),
    ...ops.map(writeSysctl),
  ]);
  return [...first, ...others.flat()];
}

async function runBatch(
  runner: Runner,
  tool: Tool,
  ops: readonly NetworkOp[],
  signal: AbortSignal,
): Promise<Failure[]> {
  if (ops.length === 0) return [];
  const lines = ops.flatMap(op => batchLines(op).map(line => ({ op, line })));
  const input = lines.map(({ line }) => `${line}\n`).join('');
  const argv: Argv = [tool, '-force', '-batch', '-'];
  const { code, stderr } = await runner.run(argv, { input, signal, okCodes: [0, 1, 2] });
  const failures = batchErrors(stderr).flatMap(({ line, reason }) => {
    const failed = lines[line - 1];
    return failed && !isDone(failed.op, reason)
      ? [{ op: failed.op, reason: `${failed.line}: ${reason}` }]
      : [];
  });
  if (code !== 0 && !/^Command failed /m.test(stderr))
    throw new CommandError({
      argv,
      code,
      signal: undefined,
      stdout: '',
      stderr,
      milliseconds: 0,
      timedOut: false,
    });
  return failures;
}

/** Pairs each "Command failed -:7" with the lines printed before it. */
export function batchErrors(stderr: string): { readonly line: number; readonly reason: string }[] {
  const errors = [];
  let said: string[] = [];
  for (const text of stderr.split('\n')) {
    const [, line] = /^Command failed -:(\d+)/.exec(text) ?? [];
    if (line === undefined) {
      if (text.trim()) said.push(text.trim());
      continue;
    }
    errors.push({ line: Number(line), reason: said.join('; ').replace(/^(RTNETLINK answers|Error): /, '') });
    said = [];
  }
  return errors;
}

/** Removing what is already gone, alone or with its device, is what was wanted. */
function isDone({ verb }: Op, reason: string): boolean {
  return verb === 'remove' && /No such (process|file|device)|Cannot (find|assign)|not found/i.test(reason);
}

async function writeSysctl(op: Op): Promise<Failure[]> {
  if (op.entry.kind !== 'sysctl' || op.verb === 'remove') return [];
  const { path, value } = op.entry;
  try {
    await writeFile(`/proc/sys/${path}`, value);
    return [];
  } catch (error) {
    return [{ op, reason: error instanceof Error ? error.message : String(error) }];
  }
}

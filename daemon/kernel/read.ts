// What there is, as iproute2 and wg print it: JSON, read side by side.
import { UserError } from '../../lib/errors.ts';
import type { Family } from '../../lib/ip.ts';
import type { Runner } from '../../lib/run.ts';
import type { LinkEntry, NetState } from '../model/net-state.ts';
import type { ReadScope } from './kernel.ts';
import { parseAddresses, parseFdb, parseLinks, parseNeighbours, parseRoutes } from './parse.ts';
import type { Sysctls } from './sysctls.ts';
import type { Wg } from './wg.ts';

export interface ReadingTools {
  readonly runner: Runner;
  readonly sysctls: Sysctls;
  readonly wg: Wg;
}

/** Keeps the promise of `Kernel.read`. */
export async function readState(
  { runner, sysctls: settings, wg }: ReadingTools,
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

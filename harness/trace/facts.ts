// What a node and a container say of themselves, asked with one command each: links, routes, neighbours, FDB, filters.
import type { Runner } from '../../lib/run.ts';
import { ask, type FdbEntry, type Link, type Neighbour, type Route, rows } from '../ask.ts';
import { subnetFile } from '../node-files.ts';
import { parseSubnetEnv, type SubnetEnv } from '../node-state.ts';
import { type LegacyRules, legacyQuestion, parseLegacy } from './legacy.ts';
import { parseWireguard, type WireguardDevice, wireguardQuestion } from './wireguard.ts';

/** A chain that the kernel calls when it forwards. */
export interface ForwardChain {
  /** `ip filter FORWARD`. */
  readonly name: string;
  readonly policy: string;
}

export interface PlaceFacts {
  /** `node1` or `node1/a`. */
  readonly name: string;
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
}

export interface NodeFacts extends PlaceFacts {
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  /** Of nftables, and so those of iptables, too, where it is not the legacy one. */
  readonly forwardChains: readonly ForwardChain[];
  readonly legacy: LegacyRules;
  /** By path below /proc/sys/net/ipv4: `conf/eth0/rp_filter`. */
  readonly sysctls: ReadonlyMap<string, number>;
  readonly subnetEnv: SubnetEnv | undefined;
  readonly wireguard: readonly WireguardDevice[];
  /** UDP ports somebody listens on; `stopped` when the process that does stands still. */
  readonly udpPorts: ReadonlyMap<number, 'running' | 'stopped'>;
}

export type Asked = Runner & { readonly name: string };

/** A place that does not answer in this time, in milliseconds, does not answer: a busy machine is given the time. */
const timeout = 10_000;

const nodeQuestions = [
  'ip -j -d address',
  'ip -j -4 route',
  'ip -j -4 neigh',
  'bridge -j fdb',
  'nft -j list chains',
  legacyQuestion,
  'cd /proc/sys/net/ipv4 && grep . ip_forward conf/*/rp_filter conf/*/forwarding',
  `cat ${subnetFile}`,
  wireguardQuestion,
  'ss -Hlunp',
  // The processes that listen, and whether they stand still.
  "ss -Hlunp | grep -o 'pid=[0-9]*' | sort -u | while IFS== read -r _ pid; do echo $pid $(grep ^State: /proc/$pid/status); done",
];

export async function nodeFacts(node: Asked): Promise<NodeFacts> {
  const [links, routes, neighbours, fdb, chains, legacy, sysctls, env, wg, sockets, states] = await ask(
    node,
    nodeQuestions,
    { timeout },
  );
  return {
    name: node.name,
    links: rows(links),
    routes: rows(routes),
    neighbours: rows(neighbours),
    fdb: rows(fdb),
    forwardChains: forwardChains(chains),
    legacy: parseLegacy(legacy),
    sysctls: parseSysctls(sysctls),
    subnetEnv: parseSubnetEnv(env ?? ''),
    wireguard: parseWireguard(wg),
    udpPorts: parseUdpPorts(sockets, states),
  };
}

export async function containerFacts(container: Asked): Promise<PlaceFacts> {
  const [links, routes] = await ask(container, ['ip -j -d address', 'ip -j -4 route'], { timeout });
  return { name: container.name, links: rows(links), routes: rows(routes) };
}

interface ChainItem {
  readonly chain?: {
    readonly family: string;
    readonly table: string;
    readonly name: string;
    readonly hook?: string;
    readonly policy?: string;
  };
}

/** Those that the kernel calls when it forwards. */
export function forwardChains(nft = ''): readonly ForwardChain[] {
  const { nftables } = JSON.parse(nft.trim() || '{"nftables":[]}') as { nftables: readonly ChainItem[] };
  return nftables.flatMap(({ chain }) =>
    chain?.hook === 'forward'
      ? [{ name: `${chain.family} ${chain.table} ${chain.name}`, policy: chain.policy ?? 'accept' }]
      : [],
  );
}

export function parseSysctls(text = ''): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter(Boolean);
  return new Map(lines.map(line => [line.split(':')[0] ?? '', Number(line.split(':')[1])]));
}

/** `states`: a line `pid State: T (stopped)` for each process that listens. */
export function parseUdpPorts(sockets = '', states = ''): ReadonlyMap<number, 'running' | 'stopped'> {
  const stopped = new Set([...states.matchAll(/^(\d+) State:\s+[Tt]/gm)].map(match => match[1]));
  return new Map(
    sockets
      .split('\n')
      .filter(Boolean)
      .map(line => {
        const port = Number(/:(\d+)\s/.exec(line)?.[1]);
        const pid = /pid=(\d+)/.exec(line)?.[1];
        return [port, pid !== undefined && stopped.has(pid) ? 'stopped' : 'running'];
      }),
  );
}

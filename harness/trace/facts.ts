// What a node and a container say of themselves, asked with one command each: links, routes, neighbours, FDB, filters.
import type { Runner } from '../../lib/run.ts';
import { subnetFile } from '../node-files.ts';
import { parseSubnetEnv, type SubnetEnv } from '../node-state.ts';

/** As `ip -j -d address` prints it; only what is looked at. */
export interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly address?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: { readonly id?: number; readonly port?: number };
  };
  readonly addr_info?: readonly {
    readonly family: string;
    readonly local: string;
    readonly prefixlen: number;
  }[];
}

/** As `ip -j -4 route` prints it. */
export interface Route {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly metric?: number;
  /** Left out for the usual ones; `blackhole`, `unreachable`, `prohibit`. */
  readonly type?: string;
}

export interface Neighbour {
  readonly dst: string;
  readonly dev: string;
  readonly lladdr?: string;
  readonly state?: readonly string[];
}

export interface FdbEntry {
  readonly mac: string;
  readonly ifname: string;
  readonly dst?: string;
}

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
  readonly forwardChains: readonly ForwardChain[];
  /** By path below /proc/sys/net/ipv4: `conf/eth0/rp_filter`. */
  readonly sysctls: ReadonlyMap<string, number>;
  readonly subnetEnv: SubnetEnv | undefined;
  /** UDP ports somebody listens on; `stopped` when the process that does stands still. */
  readonly udpPorts: ReadonlyMap<number, 'running' | 'stopped'>;
}

export type Asked = Runner & { readonly name: string };

const separator = '--- next ---';

const nodeQuestions = [
  'ip -j -d address',
  'ip -j -4 route',
  'ip -j -4 neigh',
  'bridge -j fdb',
  'nft -j list chains',
  'iptables-save -t filter',
  'cd /proc/sys/net/ipv4 && grep . ip_forward conf/*/rp_filter conf/*/forwarding',
  `cat ${subnetFile}`,
  'ss -Hlunp',
  // The processes that listen, and whether they stand still.
  "ss -Hlunp | grep -o 'pid=[0-9]*' | sort -u | while IFS== read -r _ pid; do echo $pid $(grep ^State: /proc/$pid/status); done",
];

export async function nodeFacts(node: Asked): Promise<NodeFacts> {
  const [links, routes, neighbours, fdb, chains, saved, sysctls, env, sockets, states] = await ask(
    node,
    nodeQuestions,
  );
  return {
    name: node.name,
    links: json(links),
    routes: json(routes),
    neighbours: json(neighbours),
    fdb: json(fdb),
    forwardChains: forwardChains(chains, saved),
    sysctls: parseSysctls(sysctls),
    subnetEnv: parseSubnetEnv(env ?? ''),
    udpPorts: parseUdpPorts(sockets, states),
  };
}

export async function containerFacts(container: Asked): Promise<PlaceFacts> {
  const [links, routes] = await ask(container, ['ip -j -d address', 'ip -j -4 route']);
  return { name: container.name, links: json(links), routes: json(routes) };
}

/** A question that cannot be answered has an empty answer. */
async function ask(place: Asked, questions: readonly string[]): Promise<readonly string[]> {
  const script = questions.map(question => `(${question}) 2>/dev/null`).join(`; echo '${separator}'; `);
  const { stdout } = await place.run(['sh', '-c', `${script}; :`], { timeout: 2500 });
  return stdout.split(`${separator}\n`);
}

/** Some versions print nothing where there is nothing. */
function json<T>(text: string | undefined): readonly T[] {
  return JSON.parse(text?.trim() || '[]') as T[];
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

/** nftables knows those of iptables-nft, too; legacy iptables has its own. */
export function forwardChains(nft = '', iptables = ''): readonly ForwardChain[] {
  const { nftables } = JSON.parse(nft.trim() || '{"nftables":[]}') as { nftables: readonly ChainItem[] };
  const chains = nftables.flatMap(({ chain }) =>
    chain?.hook === 'forward'
      ? [{ name: `${chain.family} ${chain.table} ${chain.name}`, policy: chain.policy ?? 'accept' }]
      : [],
  );
  const policy = /^:FORWARD (\w+)/m.exec(iptables)?.[1]?.toLowerCase();
  const known = chains.some(({ name }) => name === 'ip filter FORWARD');
  return policy && !known ? [...chains, { name: 'ip filter FORWARD', policy }] : chains;
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

// What a node's network looks like, as sorted lines of text without what changes by itself: counters, timers, indexes.
import { ask, type Link, rowsIfWhole } from '../ask.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { subnetFile } from '../node-files.ts';

export interface NodeState {
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What is the node's own, and what it is: `MAC of eth0` by MAC, `address of eth0` by address. */
  readonly own: ReadonlyMap<string, string>;
  readonly lines: readonly string[];
}

/** In front of the lines of subnet.env. */
export const envMark = 'subnet.env ';

const questions = [
  'ip -j -d address',
  'ip -j route show table all',
  'ip -j rule',
  'ip -j neigh',
  'bridge -j fdb',
  'nft -s list ruleset',
  // With nf_tables its rules are in nft's list.
  'iptables --version | grep -q nf_tables || iptables-save',
  'cd /proc/sys/net/ipv4 && grep . ip_forward conf/*/rp_filter conf/*/forwarding',
  `cat ${subnetFile}`,
];

/** One command; a part that cannot be answered is empty. */
export async function readState(node: NodeHandle, timeout = 2500): Promise<NodeState> {
  const answers = await ask(node, questions, { timeout });
  return parseState(node.name, Date.now(), answers);
}

type Entry = Readonly<Record<string, unknown>>;

/** Pure. `answers`: to the questions above, in their order. */
export function parseState(node: string, at: number, answers: readonly string[]): NodeState {
  const [links, routes, rules, neighbours, fdb, nft = '', iptables = '', sysctls = '', env = ''] = answers;
  const devices = rowsIfWhole<Link>(links);
  const lines = [
    ...devices.flatMap(linkLines),
    ...rowsIfWhole<Entry>(routes).filter(isChosenRoute).map(routeLine),
    ...rowsIfWhole<Entry>(rules).map(rule =>
      words('rule', rule, ['priority', 'src', 'dst', 'fwmark', 'table', 'action']),
    ),
    ...rowsIfWhole<Entry>(neighbours)
      .filter(isLasting)
      .map(entry => words('neighbour', entry, ['dst', 'lladdr', 'dev'])),
    ...rowsIfWhole<Entry>(fdb)
      .filter(isRemote)
      .map(entry => words('fdb', entry, ['mac', 'dst', 'ifname'])),
    ...rulesetLines(nft).filter(line => !ownTable.test(line)),
    ...iptables
      .split('\n')
      .filter(line => /^[-:]/.test(line))
      .map(line => `iptables ${line.replace(/ \[\d+:\d+\]/, '')}`),
    ...sysctls
      .split('\n')
      .filter(Boolean)
      .map(line => `sysctl net.ipv4.${line.replaceAll('/', '.').replace(':', ' = ')}`),
    ...env
      .split('\n')
      .filter(Boolean)
      .map(line => `${envMark}${line}`),
  ];
  // Names of virtual pairs and ports of docker's own name server are dice; that they are there is told all the same.
  const unnamed = lines.map(line =>
    line.replaceAll(/\bveth[\w-]+/g, 'veth…').replace(/(127\.0\.0\.11(?::| (?:tcp|udp) sport ))\d+/, '$1…'),
  );
  return { node, at, own: ownThings(devices), lines: unnamed.toSorted() };
}

function ownThings(devices: readonly Link[]): ReadonlyMap<string, string> {
  const outer = devices.filter(({ ifname }) => ifname !== 'lo');
  return new Map(
    outer.flatMap(({ ifname, address, addr_info = [] }) => [
      ...(address === undefined ? [] : [[address, `MAC of ${ifname}`] as const]),
      ...addr_info.map(({ local }) => [local, `address of ${ifname}`] as const),
    ]),
  );
}

function words(kind: string, entry: Entry, names: readonly string[]): string {
  const told = names.flatMap(name => (entry[name] === undefined ? [] : [`${name} ${String(entry[name])}`]));
  return `${kind} ${told.join(' ')}`;
}

const told = ['id', 'port', 'local', 'link', 'learning', 'remote', 'mode', 'l2miss', 'l3miss', 'gbp'];

function linkLines({
  ifname,
  mtu,
  flags,
  address,
  master,
  linkinfo,
  addr_info = [],
}: Link): readonly string[] {
  const data = linkinfo?.info_data ?? {};
  const kind = linkinfo?.info_kind ?? '';
  const isTunnel = kind === 'vxlan' || kind === 'ipip' || kind === 'wireguard';
  const more = isTunnel
    ? told.flatMap(name => (data[name] === undefined ? [] : [`${name} ${data[name]}`]))
    : [];
  const state = flags.includes('UP') ? (flags.includes('NO-CARRIER') ? 'up without carrier' : 'up') : 'down';
  const mac = ifname.startsWith('veth') || ifname === 'lo' || !address ? [] : [`mac ${address}`];
  const parts = [kind, state, `mtu ${mtu}`, ...mac, ...(master ? [`master ${master}`] : []), ...more];
  const addresses = addr_info
    .filter(({ local }) => !local.startsWith('fe80:'))
    .map(({ local, prefixlen }) => `address ${local}/${prefixlen} dev ${ifname}`);
  return [`link ${ifname} ${parts.filter(Boolean).join(' ')}`, ...addresses];
}

/** The kernel makes local, broadcast and link-local ones of addresses, which are told already. */
function isChosenRoute({ dst, table, type }: Entry): boolean {
  return table !== 'local' && type !== 'multicast' && !/^(fe80|ff00):/.test(String(dst));
}

function routeLine(route: Entry): string {
  const flags = Array.isArray(route.flags) && route.flags.length > 0 ? ` ${route.flags.join(' ')}` : '';
  return `${words('route', route, ['type', 'dst', 'gateway', 'dev', 'metric', 'table'])}${flags}`;
}

/** What the kernel has learned by itself goes by itself. */
function isLasting({ state }: Entry): boolean {
  return Array.isArray(state) && (state.includes('PERMANENT') || state.includes('FAILED'));
}

/** Forwarding entries of tunnels lead to a host; those of bridges are learned. */
function isRemote({ dst }: Entry): boolean {
  return dst !== undefined;
}

/** A trace that came too late may still be removing its own. */
const ownTable = /^nft \w+ lab_trace_/;

/** Each rule with the table and chain it is in. */
function rulesetLines(text: string): readonly string[] {
  const place: string[] = [];
  return text.split('\n').flatMap(raw => {
    const line = raw.trim();
    const opened = /^(?:table |chain |set |map |counter |flowtable )?(.+) \{$/.exec(line)?.[1];
    if (opened !== undefined) {
      place.push(opened);
      return place.length === 1 ? [] : [`nft ${place.join(' ')}`];
    }
    if (line === '}') place.pop();
    else if (line !== '') return [`nft ${place.join(' ')}: ${line}`];
    return [];
  });
}

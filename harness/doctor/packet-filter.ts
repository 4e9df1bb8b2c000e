// Whether a packet filter surely drops a packet that is only partly known: rules match, do not, or may; pure.
import { type Cidr, contains, overlaps, parseCidr } from '../../lib/ip.ts';

/** The first of its connection. Undefined is what nobody knows. */
export interface Packet {
  readonly hook: 'forward' | 'input';
  readonly iif: string | undefined;
  readonly oif: string | undefined;
  readonly proto: string | undefined;
  readonly dport: number | undefined;
  /** Where source and destination are; undefined when that is not known. */
  readonly network: Cidr | undefined;
}

export type Match = 'yes' | 'no' | 'maybe';

export interface Rule {
  readonly match: (packet: Packet) => Match;
  readonly does: 'accept' | 'drop' | 'return' | 'continue' | 'jump' | 'goto';
  readonly target?: string | undefined;
  /** As its tool prints it. */
  readonly text: string;
}

export interface Chain {
  readonly name: string;
  /** Of a base chain. */
  readonly hook?: 'forward' | 'input' | undefined;
  readonly policy?: 'accept' | 'drop' | undefined;
  readonly rules: readonly Rule[];
}

/** A table whose verdicts are its own: accepting in one does not spare a packet the others. */
export interface FilterTable {
  /** `iptables filter`, `inet firewalld`. */
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain>;
}

export interface Drop {
  readonly table: string;
  readonly chain: string;
  /** The rule; undefined: the policy. */
  readonly rule: string | undefined;
  /** False when a rule before it may have accepted the packet. */
  readonly sure: boolean;
}

/** What drops the packet, one for each base chain that does. */
export function dropsOf(tables: readonly FilterTable[], packet: Packet): readonly Drop[] {
  return tables.flatMap(table =>
    [...table.chains.values()]
      .filter(({ hook }) => hook === packet.hook)
      .flatMap(chain => {
        const walk = { table, packet, mayBeAccepted: false };
        const end = through(walk, chain, true, 0);
        const rule = end?.does === 'drop' ? end : undefined;
        if (!rule && (end || chain.policy !== 'drop')) return [];
        return [{ table: table.name, chain: chain.name, rule: rule?.text, sure: !walk.mayBeAccepted }];
      }),
  );
}

interface Walk {
  readonly table: FilterTable;
  readonly packet: Packet;
  mayBeAccepted: boolean;
}

type End = { readonly does: 'accept' | 'drop'; readonly text: string };

/** Chains that call each other in a circle are refused by the kernel; text from elsewhere may have anything. */
const deepest = 30;

/** The verdict, or undefined at the end of the chain. `sure`: whether the packet surely comes here. */
function through(walk: Walk, { rules }: Chain, sure: boolean, depth: number): End | undefined {
  if (depth > deepest) return undefined;
  for (const { match, does, target, text } of rules) {
    const matches = match(walk.packet);
    if (matches === 'no' || does === 'continue') continue;
    const here = sure && matches === 'yes';
    if (does === 'return') {
      if (here) return undefined;
      continue;
    }
    if (does === 'accept' || does === 'drop') {
      if (here) return { does, text };
      if (does === 'accept') walk.mayBeAccepted = true;
      // Without a condition nothing after it is reached.
      if (matches === 'yes') return undefined;
      continue;
    }
    const next = walk.table.chains.get(target ?? '');
    const end = next && through(walk, next, here, depth + 1);
    if (end) return end;
    if (does === 'goto' && matches === 'yes') return undefined;
  }
  return undefined;
}

export function matchesAll(matches: readonly Match[]): Match {
  if (matches.includes('no')) return 'no';
  return matches.includes('maybe') ? 'maybe' : 'yes';
}

export function matchesAny(matches: readonly Match[]): Match {
  if (matches.includes('yes')) return 'yes';
  return matches.includes('maybe') ? 'maybe' : 'no';
}

export function not(match: Match): Match {
  return match === 'maybe' ? match : match === 'yes' ? 'no' : 'yes';
}

/** `wanted` may end in a wildcard, `+` or `*`. */
export function matchDevice(device: string | undefined, wanted: string): Match {
  if (device === undefined)
    return wanted === 'lo' || /^(docker0|flannel|cni0|virbr)/.test(wanted) ? 'no' : 'maybe';
  const stem = /^(.*)[+*]$/.exec(wanted)?.[1];
  return (stem === undefined ? device === wanted : device.startsWith(stem)) ? 'yes' : 'no';
}

/** Whether an address in the network is in the prefix. */
export function matchPrefix(network: Cidr | undefined, wanted: string): Match {
  const prefix = parseCidr(wanted.includes('/') ? wanted : `${wanted}/32`);
  if (prefix?.length === 0) return 'yes';
  if (!network || !prefix) return 'maybe';
  if (contains(prefix, network)) return 'yes';
  return overlaps(prefix, network) ? 'maybe' : 'no';
}

export function matchValue(value: string | number | undefined, wanted: string | number): Match {
  if (value === undefined) return 'maybe';
  return String(value) === String(wanted) ? 'yes' : 'no';
}

/** `1:1023`, `8472`. */
export function matchPort(port: number | undefined, from: number, to: number): Match {
  if (port === undefined) return 'maybe';
  return port >= from && port <= to ? 'yes' : 'no';
}

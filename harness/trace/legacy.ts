// Rules of legacy iptables, which nftables does not know: walks the chains that `iptables-legacy-save` prints; pure.
import { contains, parseCidr, parseIp } from '../../lib/ip.ts';
import { parseSaved, type SavedTable } from '../iptables-save.ts';

export interface LegacyRules {
  /** Undefined where nobody has ever used legacy iptables. */
  readonly tool: 'iptables-legacy' | 'iptables' | undefined;
  readonly tables: readonly SavedTable[];
}

/** What packets have in common that a chain is asked about. */
export interface Flow {
  readonly chain: 'FORWARD' | 'INPUT' | 'OUTPUT';
  readonly in?: string;
  readonly out?: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'icmp' | 'udp' | 'ipencap';
  /** Destination port. */
  readonly port?: number;
}

export interface LegacyDrop {
  readonly table: string;
  readonly chain: string;
  /** Undefined: the chain's policy. */
  readonly rule: string | undefined;
  /** Nothing on the way there depends on what is not known of a packet. */
  readonly sure: boolean;
}

/** Prints the tables there are and makes none, then the tool that shows them; nothing where there are none. */
export const legacyQuestion = `grep -q . /proc/net/ip_tables_names && {
  iptables-legacy-save && echo '# by iptables-legacy' ||
  { ! iptables-save -V | grep -q nf_tables && iptables-save && echo '# by iptables'; }; }`;

export function parseLegacy(text = ''): LegacyRules {
  const tool = /^# by (iptables-legacy|iptables)$/m.exec(text)?.[1] as LegacyRules['tool'];
  return { tool, tables: tool ? parseSaved(text) : [] };
}

/** Where packets of the flow are dropped, or may be: sure ones first. */
export function legacyDrops({ tables }: LegacyRules, flow: Flow): readonly LegacyDrop[] {
  const all = tables
    .filter(({ name }) => name !== 'nat')
    .flatMap(table => walk(table, flow.chain, flow, true).drops);
  return all.toSorted((a, b) => Number(b.sure) - Number(a.sure));
}

interface Walked {
  readonly drops: readonly LegacyDrop[];
  /** No packet of the flow comes out of the end of the chain. */
  readonly ended: boolean;
  /** All that come to the end do, whatever is not known of them. */
  readonly sure: boolean;
}

function walk(table: SavedTable, chain: string, flow: Flow, before: boolean): Walked {
  let sure = before;
  const drops: LegacyDrop[] = [];
  const drop = (rule: string | undefined, certain: boolean) =>
    drops.push({ table: table.name, chain, rule, sure: certain });
  for (const words of table.chains.get(chain)?.rules ?? []) {
    const fits = matches(words, flow);
    const target = words[words.findIndex(word => word === '-j' || word === '-g') + 1] ?? '';
    if (fits === 'no') continue;
    if (target === 'DROP' || target === 'REJECT') {
      drop(words.join(' '), sure && fits === 'yes');
      if (fits === 'yes') return { drops, ended: true, sure };
    } else if (target === 'ACCEPT' || target === 'RETURN') {
      if (fits === 'yes' && target === 'ACCEPT') return { drops, ended: true, sure };
      if (fits === 'yes') break;
      sure = false;
    } else if (table.chains.has(target)) {
      const inner = walk(table, target, flow, sure && fits === 'yes');
      drops.push(...inner.drops);
      if (fits === 'yes' && inner.ended) return { drops, ended: true, sure };
      if (fits === 'yes' && words.includes('-g')) break;
      sure &&= fits === 'yes' ? inner.sure : !passes(table, target);
    }
  }
  const policy = table.chains.get(chain)?.policy;
  if (policy === 'DROP') drop(undefined, sure);
  return { drops, ended: policy !== undefined, sure };
}

/** Whether the chain, or one it calls, ends the way of some packets by letting them pass. */
function passes(table: SavedTable, chain: string): boolean {
  return (table.chains.get(chain)?.rules ?? []).some(words => {
    const target = words[words.indexOf('-j') + 1] ?? '';
    return target === 'ACCEPT' || (table.chains.has(target) && passes(table, target));
  });
}

type Fits = 'yes' | 'no' | 'maybe';

/** Options that say nothing of a packet. */
const silent = new Set(['-m', '--comment']);

function matches(words: readonly string[], flow: Flow): Fits {
  let fits: Fits = 'yes';
  for (let index = 0; index < words.length; index++) {
    const not = words[index] === '!';
    if (not) index++;
    const option = words[index] ?? '';
    if (option === '-j' || option === '-g') break;
    if (!option.startsWith('-')) continue;
    const value = words[index + 1] ?? '';
    if (silent.has(option)) {
      index++;
      continue;
    }
    const one = matchesOne(option, value, flow);
    if (one === 'maybe') fits = 'maybe';
    else if ((one === 'yes') === not) return 'no';
  }
  return fits;
}

const numbers: Readonly<Record<string, Flow['protocol'] | 'all'>> = {
  1: 'icmp',
  17: 'udp',
  4: 'ipencap',
  0: 'all',
  ipv4: 'ipencap',
};

function matchesOne(option: string, value: string, flow: Flow): Fits {
  const is = (truth: boolean): Fits => (truth ? 'yes' : 'no');
  if (option === '-s' || option === '-d') {
    const [prefix, ip] = [parseCidr(value), parseIp(option === '-s' ? flow.source : flow.destination)];
    return prefix && ip ? is(contains(prefix, ip)) : 'maybe';
  }
  if (option === '-i' || option === '-o') {
    const device = (option === '-i' ? flow.in : flow.out) ?? '';
    return is(value.endsWith('+') ? device.startsWith(value.slice(0, -1)) : device === value);
  }
  if (option === '-p') {
    const protocol = numbers[value] ?? value;
    return is(protocol === 'all' || protocol === flow.protocol);
  }
  if (option === '--dport' && flow.port !== undefined) {
    const [from = Number.NaN, to = from] = value.split(':').map(Number);
    return is(flow.port >= from && flow.port <= to);
  }
  return 'maybe';
}

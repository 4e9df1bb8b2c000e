// Reads what `nft -j list ruleset` prints; pure. What is not known of an expression may match.
import {
  type Chain,
  type FilterTable,
  type Match,
  matchDevice,
  matchesAll,
  matchesAny,
  matchPort,
  matchPrefix,
  matchValue,
  not,
  type Packet,
  type Rule,
} from './packet-filter.ts';

type Json = Readonly<Record<string, unknown>>;

/** Tables that see IPv4. Throws when it is not what nft prints. */
export function nftTables(text: string): readonly FilterTable[] {
  const { nftables } = JSON.parse(text) as { nftables: readonly Json[] };
  const chains = nftables.flatMap(({ chain }) => (isObject(chain) ? [chain] : []));
  const rules = nftables.flatMap(({ rule }) => (isObject(rule) ? [rule] : []));
  const tables = new Map<string, Map<string, Chain>>();
  for (const chain of chains) {
    if (chain.family !== 'ip' && chain.family !== 'inet') continue;
    const key = `${chain.family} ${chain.table}`;
    const table = tables.get(key) ?? new Map<string, Chain>();
    tables.set(key, table);
    const own = rules.filter(
      rule => rule.family === chain.family && rule.table === chain.table && rule.chain === chain.name,
    );
    const isFilter = chain.type === undefined || chain.type === 'filter';
    const hook = isFilter && (chain.hook === 'forward' || chain.hook === 'input') ? chain.hook : undefined;
    const policy = chain.policy === 'drop' ? 'drop' : 'accept';
    table.set(String(chain.name), { name: String(chain.name), hook, policy, rules: own.map(ruleOf) });
  }
  return [...tables].map(([name, all]) => ({ name, chains: all }));
}

function ruleOf(rule: Json): Rule {
  const expressions = (Array.isArray(rule.expr) ? rule.expr : []).filter(isObject);
  const tests: ((packet: Packet) => Match)[] = [];
  let [does, target]: [Rule['does'], string | undefined] = ['continue', undefined];
  for (const expression of expressions) {
    const [kind = '', value] = Object.entries(expression)[0] ?? [];
    if (kind === 'accept' || kind === 'return') does = kind;
    else if (kind === 'drop' || kind === 'reject') does = 'drop';
    else if (kind === 'jump' || kind === 'goto') {
      does = kind;
      target = isObject(value) ? String(value.target) : undefined;
    } else if (kind === 'match' && isObject(value)) tests.push(packet => matchOf(value, packet));
    else if (!/^(counter|log|comment)$/.test(kind)) tests.push(() => 'maybe');
  }
  const text = expressions.map(expressionText).filter(Boolean).join(' ');
  return { match: packet => matchesAll(tests.map(test => test(packet))), does, target, text };
}

/** Short: what it does, and conditions as they are in JSON. */
function expressionText(expression: Json): string {
  const [kind = '', value] = Object.entries(expression)[0] ?? [];
  if (kind === 'counter') return '';
  if (kind === 'jump' || kind === 'goto') return `${kind} ${isObject(value) ? value.target : ''}`;
  return /^(accept|drop|reject|return|log)$/.test(kind) ? kind : JSON.stringify(value);
}

function matchOf({ op, left, right }: Json, packet: Packet): Match {
  const match = matchesAny(valuesOf(right).map(value => matchOne(left, value, packet)));
  return op === '!=' ? not(match) : op === '==' || op === 'in' ? match : 'maybe';
}

function valuesOf(right: unknown): readonly unknown[] {
  if (Array.isArray(right)) return right;
  return isObject(right) && Array.isArray(right.set) ? right.set : [right];
}

function matchOne(left: unknown, value: unknown, packet: Packet): Match {
  if (!isObject(left)) return 'maybe';
  const { meta, ct, payload } = left;
  if (isObject(ct)) {
    if (ct.key === 'state') return value === 'new' ? 'yes' : 'no';
    // Nobody translates the addresses of these.
    return ct.key === 'status' && value === 'dnat' ? 'no' : 'maybe';
  }
  if (isObject(meta)) return metaMatch(String(meta.key), value, packet);
  if (isObject(payload)) return payloadMatch(payload, value, packet);
  return 'maybe';
}

function metaMatch(key: string, value: unknown, { iif, oif, proto }: Packet): Match {
  const text = String(value);
  if (key === 'iifname' || key === 'iif') return matchDevice(iif, text);
  if (key === 'oifname' || key === 'oif') return matchDevice(oif, text);
  if (key === 'l4proto') return matchValue(proto, protocolName(text));
  if (key === 'nfproto') return text === 'ipv4' ? 'yes' : 'no';
  return 'maybe';
}

function payloadMatch({ protocol, field }: Json, value: unknown, packet: Packet): Match {
  const { hook, network, proto, dport } = packet;
  if (protocol === 'ip' && (field === 'saddr' || field === 'daddr'))
    return hook === 'input' ? 'maybe' : matchPrefix(network, prefixText(value));
  if (protocol === 'ip' && field === 'protocol') return matchValue(proto, protocolName(String(value)));
  if (protocol === 'ip6') return 'no';
  if (field !== 'dport') return 'maybe';
  const [from, to] = isObject(value) && Array.isArray(value.range) ? value.range : [value, value];
  return matchesAll([
    protocol === 'th' ? 'yes' : matchValue(proto, String(protocol)),
    matchPort(dport, Number(from), Number(to)),
  ]);
}

function prefixText(value: unknown): string {
  if (!isObject(value) || !isObject(value.prefix)) return String(value);
  return `${value.prefix.addr}/${value.prefix.len}`;
}

function protocolName(text: string): string {
  return { '1': 'icmp', '6': 'tcp', '17': 'udp' }[text] ?? text;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

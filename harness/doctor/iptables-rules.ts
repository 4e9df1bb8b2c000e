// Reads what `iptables-save` prints of the filter table; pure.
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

const hooks: Readonly<Record<string, Chain['hook']>> = { FORWARD: 'forward', INPUT: 'input' };
const verdicts: Readonly<Record<string, Rule['does']>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'drop',
  RETURN: 'return',
};

/** Undefined when there is no filter table. */
export function iptablesFilter(name: string, text: string): FilterTable | undefined {
  const section = /^\*filter$([\s\S]*?)^COMMIT$/m.exec(text)?.[1];
  if (section === undefined) return undefined;
  const lines = section.split('\n');
  const heads = lines.flatMap(line => {
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    return chain === undefined
      ? []
      : [{ chain, policy: policy === 'DROP' ? ('drop' as const) : ('accept' as const) }];
  });
  const known = new Set(heads.map(({ chain }) => chain));
  const chains = heads.map(({ chain, policy }): [string, Chain] => {
    const rules = lines
      .filter(line => line.startsWith(`-A ${chain} `))
      .map(line => ruleOf(line.slice(`-A ${chain} `.length), known));
    return [chain, { name: chain, hook: hooks[chain], policy, rules }];
  });
  return { name, chains: new Map(chains) };
}

type Test = (packet: Packet) => Match;

function ruleOf(text: string, known: ReadonlySet<string>): Rule {
  const words = text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  const tests: Test[] = [];
  let [does, target]: [Rule['does'], string | undefined] = ['continue', undefined];
  let negated = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '!') {
      negated = true;
      continue;
    }
    if (word === '-j' || word === '-g') {
      target = words[at + 1] ?? '';
      does = verdicts[target] ?? (known.has(target) ? (word === '-g' ? 'goto' : 'jump') : 'continue');
      // What follows are options of the target.
      break;
    }
    const value = words[at + 1] ?? '';
    at++;
    if (word === '-m' || word === '--comment') continue;
    const test = testOf(word, value);
    if (!test && value.startsWith('-')) at--;
    const turned = negated;
    tests.push(packet => {
      const match = test ? test(packet) : 'maybe';
      return turned ? not(match) : match;
    });
    negated = false;
  }
  return { match: packet => matchesAll(tests.map(test => test(packet))), does, target, text };
}

/** Undefined for what is not known here. */
function testOf(option: string, value: string): Test | undefined {
  switch (option) {
    case '-i':
      return ({ iif }) => matchDevice(iif, value);
    case '-o':
      return ({ oif }) => matchDevice(oif, value);
    case '-s':
      return ({ hook, network }) => (hook === 'input' ? 'maybe' : matchPrefix(network, value));
    case '-d':
      return ({ hook, network }) => (hook === 'input' ? 'maybe' : matchPrefix(network, value));
    case '-p':
      return ({ proto }) => (value === 'all' ? 'yes' : matchValue(proto, value));
    case '--dport':
    case '--dports':
      return ({ dport }) => matchesAny(value.split(',').map(range => portTest(dport, range)));
    case '--ctstate':
    case '--state':
      return () => (value.split(',').includes('NEW') ? 'yes' : 'no');
    default:
      return undefined;
  }
}

function portTest(dport: number | undefined, range: string): Match {
  const [from = '', to = from] = range.split(':');
  return matchPort(dport, Number(from), Number(to));
}

// What rules of iptables match, as far as packets are known; pure.
import { parseSaved } from '../iptables-save.ts';
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

/** Undefined when there is no whole filter table. */
export function iptablesFilter(name: string, text: string): FilterTable | undefined {
  const saved = parseSaved(text).find(({ name: table, isWhole }) => table === 'filter' && isWhole)?.chains;
  if (!saved) return undefined;
  const known = new Set(saved.keys());
  const chains = [...saved].map(([chain, { policy, rules }]): [string, Chain] => [
    chain,
    {
      name: chain,
      hook: hooks[chain],
      policy: policy === 'DROP' ? 'drop' : 'accept',
      rules: rules.map(words => ruleOf(words, known)),
    },
  ]);
  return { name, chains: new Map(chains) };
}

type Test = (packet: Packet) => Match;

function ruleOf(words: readonly string[], known: ReadonlySet<string>): Rule {
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
  return {
    match: packet => matchesAll(tests.map(test => test(packet))),
    does,
    target,
    text: words.join(' '),
  };
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

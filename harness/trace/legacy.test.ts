// What legacy iptables does to a flow: for sure, perhaps, or not at all.
import { expect, test } from 'vitest';
import { type Flow, legacyDrops, parseLegacy } from './legacy.ts';

const flow: Flow = {
  chain: 'FORWARD',
  in: 'flannel.1',
  out: 'docker0',
  source: '10.5.1.2',
  destination: '10.5.2.2',
  protocol: 'icmp',
};

function drops(rules: string, policy = 'ACCEPT', of: Flow = flow) {
  const text = `# Generated\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ${policy} [1:84]\n:OUTPUT ACCEPT [0:0]\n:INNER - [0:0]\n${rules}\nCOMMIT\n# by iptables-legacy\n`;
  return legacyDrops(parseLegacy(text), of).map(
    ({ table, chain, rule = 'policy', sure }) => `${table}/${chain} ${rule}${sure ? '' : '?'}`,
  );
}

test('nobody has used it', () => {
  expect(parseLegacy('')).toEqual({ tool: undefined, tables: [] });
  expect(legacyDrops(parseLegacy(), flow)).toEqual([]);
});

test.each<[string, string, string, readonly string[]]>([
  ['a policy', '', 'DROP', ['filter/FORWARD policy']],
  ['a rule', '-A FORWARD -s 10.5.1.2/32 -j DROP', 'ACCEPT', ['filter/FORWARD -s 10.5.1.2/32 -j DROP']],
  ['another source', '-A FORWARD -s 10.5.3.0/24 -j DROP', 'ACCEPT', []],
  ['all but this source', '-A FORWARD ! -s 10.5.1.0/24 -j DROP', 'ACCEPT', []],
  [
    'devices',
    '-A FORWARD -i flannel+ ! -o eth0 -j REJECT',
    'ACCEPT',
    ['filter/FORWARD -i flannel+ ! -o eth0 -j REJECT'],
  ],
  [
    'a rule that accepts before',
    '-A FORWARD -d 10.5.0.0/16 -m comment --comment "-j DROP" -j ACCEPT',
    'DROP',
    [],
  ],
  [
    'one that accepts some',
    '-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT',
    'DROP',
    ['filter/FORWARD policy?'],
  ],
  [
    'what is not known',
    '-A FORWARD -p icmp -m icmp --icmp-type 8 -j DROP',
    'ACCEPT',
    ['filter/FORWARD -p icmp -m icmp --icmp-type 8 -j DROP?'],
  ],
  ['another protocol', '-A FORWARD -p udp -j DROP', 'ACCEPT', []],
  [
    'a chain that is called',
    '-A FORWARD -j INNER\n-A INNER -d 10.5.2.2/32 -j DROP',
    'ACCEPT',
    ['filter/INNER -d 10.5.2.2/32 -j DROP'],
  ],
  ['a chain that accepts', '-A FORWARD -j INNER\n-A INNER -j ACCEPT', 'DROP', []],
  [
    'a chain that returns',
    '-A FORWARD -j INNER\n-A INNER -j RETURN\n-A INNER -j DROP',
    'DROP',
    ['filter/FORWARD policy'],
  ],
  [
    'a chain that may be called',
    '-A FORWARD -m mark --mark 0x1 -j INNER\n-A INNER -j ACCEPT',
    'DROP',
    ['filter/FORWARD policy?'],
  ],
  ['a chain that is gone to', '-A FORWARD -g INNER\n-A FORWARD -j DROP', 'ACCEPT', []],
])('%s', (_, rules, policy, expected) => {
  expect(drops(rules, policy)).toEqual(expected);
});

test('what is sure comes first', () => {
  const rules = '-A FORWARD -m mark --mark 0x1 -j DROP\n-A FORWARD -j REJECT';
  expect(drops(rules)).toEqual(['filter/FORWARD -j REJECT', 'filter/FORWARD -m mark --mark 0x1 -j DROP?']);
});

test('packets on the underlay', () => {
  const outer: Flow = { ...flow, chain: 'INPUT', in: 'eth0', protocol: 'udp', port: 8472 };
  expect(drops('-A INPUT -p udp -m udp --dport 8000:9000 -j DROP', 'DROP', outer)).toEqual([
    'filter/INPUT -p udp -m udp --dport 8000:9000 -j DROP',
  ]);
  expect(drops('-A INPUT -p udp -m udp --dport 8473 -j DROP', 'DROP', outer)).toEqual([]);
});

// The documented order of rules, in both spellings and both families; anything else is told with the rule that is late.
import { expect, test } from 'vitest';
import { type Cidr, parseCidr } from '../../lib/ip.ts';
import { orderProblems } from './rule-order.ts';

const prefix = (text: string) => parseCidr(text) as Cidr;
const [network, subnet] = [prefix('10.5.0.0/16'), prefix('10.5.1.0/24')];

const jump = '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD';
const forward = ['-s 10.5.0.0/16', '-d 10.5.0.0/16'].map(
  match => `-A FLANNEL-FWD ${match} -m comment --comment "flanneld forward" -j ACCEPT`,
);
const masquerade = [
  '-m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN',
  '-s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN',
  '-s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN',
  '! -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN',
  '-s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
  '! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
].map(rule => `-A FLANNEL-POSTRTG ${rule}`);

function problems({
  before = [] as readonly string[],
  fwd = forward as readonly string[],
  masq = masquerade as readonly string[],
  chains = [] as readonly string[],
}) {
  const filter = `*filter\n${[...before, jump, ...fwd, ...chains].join('\n')}\nCOMMIT\n`;
  return orderProblems(`${filter}*nat\n${masq.join('\n')}\nCOMMIT\n---\n`, network, subnet);
}

test('as documented', () => {
  expect(problems({})).toEqual([]);
  expect(orderProblems('', network, subnet)).toEqual([]);
  // Others have rules of their own.
  expect(problems({ masq: ['-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE', ...masquerade] })).toEqual([]);
});

test('what is exempted after what is masqueraded', () => {
  const [first = '', ...rest] = masquerade;
  expect(problems({ masq: [...rest, first] })).toEqual([
    `in iptables nat FLANNEL-POSTRTG this rule comes too late: ${first}`,
  ]);
  expect(problems({ masq: masquerade.toReversed() })).toHaveLength(1);
  expect(problems({ fwd: forward.toReversed() })).toEqual([
    `in iptables filter FLANNEL-FWD this rule comes too late: ${forward[0]}`,
  ]);
});

test('what may drop in front of the jump', () => {
  const drop = '-A FORWARD -s 192.0.2.0/24 -j DROP';
  expect(problems({ before: [drop] })).toEqual([
    `this rule may drop, and comes before the jump to FLANNEL-FWD: iptables filter FORWARD: ${drop}`,
  ]);
  const chains = ['-A INNER -j REJECT --reject-with icmp-port-unreachable', '-A DOCKER-USER -j DROP'];
  expect(problems({ before: ['-A FORWARD -j INNER'], chains })).toHaveLength(1);
  expect(problems({ before: ['-A FORWARD -j DOCKER-USER', '-A FORWARD -j ACCEPT'], chains })).toEqual([]);
  expect(problems({ before: ['-A FORWARD -m comment --comment "-j DROP" -j ACCEPT'] })).toEqual([]);
});

test('nftables and IPv6', () => {
  const rules = [
    'meta mark & 0x00004000 == 0x00004000 return comment "flanneld masq"',
    'ip6 saddr fd00:5:0:1::/64 ip6 daddr fd00:5::/48 return comment "flanneld masq"',
    'ip6 saddr fd00:5::/48 ip6 daddr fd00:5:0:1::/64 return comment "flanneld masq"',
    'ip6 saddr != fd00:5::/48 ip6 daddr fd00:5:0:1::/64 return comment "flanneld masq"',
    'ip6 saddr fd00:5::/48 ip6 daddr != ff00::/8 masquerade fully-random comment "flanneld masq"',
    'ip6 saddr != fd00:5::/48 ip6 daddr fd00:5::/48 masquerade fully-random comment "flanneld masq"',
  ];
  const of = (lines: readonly string[]) => {
    const chain = `chain postrtg {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n${lines.map(line => `\t\t${line}\n`).join('')}\t}`;
    const text = `---\n---\ntable ip6 flannel-ipv6 {\n\t${chain}\n}\n`;
    return orderProblems(text, prefix('fd00:5::/48'), prefix('fd00:5:0:1::/64'));
  };
  expect(of(rules)).toEqual([]);
  const [first = '', ...rest] = rules;
  expect(of([...rest, first])).toEqual([
    `in nft table ip6 flannel-ipv6 postrtg this rule comes too late: ${first}`,
  ]);
});

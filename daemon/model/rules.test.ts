// The rules as text, and that a plan is made exactly when something is amiss.
import { describe, expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { forwardRules, masqueradeRules, planRules } from './rules.ts';
import { mayDrop, parseSaved } from './saved-rules.ts';

const network = parseCidr('10.5.0.0/16') ?? expect.unreachable();
const subnet = parseCidr('10.5.3.0/24') ?? expect.unreachable();
const forward = [forwardRules(network, true)];

test('a fresh host gets all rules', () => {
  const sets = [...forward, masqueradeRules({ network, subnet, wanted: true, randomFully: false })];
  expect(planRules(sets, '')).toBe(`*filter
:FLANNEL-FWD - [0:0]
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-I FORWARD 1 -m comment --comment "flanneld forward" -j FLANNEL-FWD
COMMIT
*nat
:FLANNEL-POSTRTG - [0:0]
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.3.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.3.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.3.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE
-I POSTROUTING 1 -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
COMMIT
`);
});

describe('a plan for the forward rules', () => {
  const body = `:FLANNEL-FWD - [0:0]
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
`;
  const jump = '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD\n';
  const saved = (...lines: string[]) => `*filter\n:FORWARD DROP [0:0]\n${body}${lines.join('')}COMMIT\n`;

  test.each([
    ['all is well', saved(jump), undefined],
    ['harmless rules in front', saved('-A FORWARD -i lo -j ACCEPT\n', jump), undefined],
    [
      'a comment that speaks of DROP',
      saved('-A FORWARD -m comment --comment "-j DROP" -j ACCEPT\n', jump),
      undefined,
    ],
    ['DROP behind', saved(jump, '-A FORWARD -j DROP\n'), undefined],
    [
      'REJECT in front',
      saved('-A FORWARD -j REJECT\n', jump),
      /^\*filter\n-D FORWARD .*FLANNEL-FWD\n-I FORWARD 1 /,
    ],
    ['the jump is missing', saved(), /^\*filter\n-I FORWARD 1 /],
    ['two jumps', saved(jump, jump), /^\*filter\n-D FORWARD .*\n-D FORWARD .*\n-I FORWARD 1 /],
    ['a rule is missing', saved(jump).replace(/-A FLANNEL-FWD -s.*\n/, ''), /^\*filter\n:FLANNEL-FWD - /],
    [
      'order is wrong',
      saved(jump).replace(/(-A FLANNEL-FWD -s.*\n)(.*\n)/, '$2$1'),
      /^\*filter\n:FLANNEL-FWD - /,
    ],
  ])('%s', (_name, text, plan) => {
    if (plan) expect(planRules(forward, text)).toMatch(plan);
    else expect(planRules(forward, text)).toBeUndefined();
  });

  test('rules of an earlier subnet go', () => {
    const old = masqueradeRules({
      network,
      subnet: parseCidr('10.5.9.0/24') ?? subnet,
      wanted: true,
      randomFully: true,
    });
    const now = masqueradeRules({ network, subnet, wanted: true, randomFully: true });
    const text = (planRules([old], '') ?? '').replace('-I POSTROUTING 1', '-A POSTROUTING');
    expect(planRules([old], text)).toBeUndefined();
    expect(planRules([now], text)).toMatch(/^\*nat\n:FLANNEL-POSTRTG - (?!.*10\.5\.9\.0)/s);
  });

  test('nothing is done for rules that are neither wanted nor there', () =>
    expect(planRules([forwardRules(network, false)], '')).toBeUndefined());
});

test('a chain that leads to itself ends', () => {
  const tables = parseSaved('*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -g A\nCOMMIT\n');
  expect(mayDrop('-j A', tables.get('filter') ?? new Map())).toBe(false);
});

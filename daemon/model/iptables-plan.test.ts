// The rules as text, and that a plan is made exactly when something is amiss.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Family } from '../../lib/ip.ts';
import { FakeIptables } from '../kernel/fake-iptables.ts';
import { planRules } from './iptables-plan.ts';
import { ruleSets } from './iptables-sets.ts';
import { ranges, type TrafficGiven, trafficOf } from './rules.fixture.ts';
import { mayDrop, mayDropForwarded, parseSaved } from './saved-rules.ts';

function plan(given: TrafficGiven, text: string, family: Family = 4): string | undefined {
  const saved = parseSaved(text);
  return planRules(ruleSets(trafficOf(given), family, true, saved), saved);
}

/** What iptables-save prints after the plan has been carried out on what `text` says. */
function outcome(given: TrafficGiven, text = '', family: Family = 4): string {
  const iptables = new FakeIptables('iptables');
  iptables.edit(text.replaceAll(/^# .*\n/gm, ''));
  iptables.edit(plan(given, iptables.text(), family) ?? '');
  expect(plan(given, iptables.text(), family), 'what is still to do').toBeUndefined();
  return iptables.text();
}

test('a fresh host gets all rules', () => {
  expect(plan({ randomFully: false }, '')).toBe(`*filter
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

test('IPv6 has the same rules with its own prefixes', () => {
  const given = { ranges: [ranges[4], ranges[6]] };
  const inSix = plan(given, '', 6)
    ?.replaceAll('fd00:5:0:3::/64', '10.5.3.0/24')
    .replaceAll('fd00:5::/48', '10.5.0.0/16')
    .replaceAll('ff00::/8', '224.0.0.0/4');
  expect(inSix).toBe(plan(given, '', 4));
});

test('ports are chosen fully at random unless that is turned off or cannot be done', () => {
  expect(plan({}, '')?.match(/MASQUERADE --random-fully$/gm)).toHaveLength(2);
  expect(plan({ randomFully: false }, '')).not.toContain('random');
  expect(planRules(ruleSets(trafficOf(), 4, false, new Map()), new Map())).not.toContain('random');
});

describe('a plan for the forward rules', () => {
  const forward = { masquerade: false };
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
  ])('%s', (_name, text, expected) => {
    if (expected) expect(plan(forward, text)).toMatch(expected);
    else expect(plan(forward, text)).toBeUndefined();
  });

  test('nothing is done for rules that are neither wanted nor there', () =>
    expect(plan({ masquerade: false, forward: false }, '')).toBeUndefined());
});

describe('what an earlier run left goes', () => {
  const nat = (...rules: string[]) =>
    `*nat\n${rules.map(rule => `-A POSTROUTING ${rule}\n`).join('')}COMMIT\n`;
  const ofOthers = '-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE';

  test('the rules of another subnet', () => {
    const old = outcome({ ranges: [{ ...ranges[4], subnet: '10.5.9.0/24' }] });
    expect(old).toContain('10.5.9.0/24');
    expect(outcome({}, old)).toBe(outcome({}));
  });

  test('J07: the rules of 0.7, which have no chain and no comment', () => {
    const rules = [
      '-s 10.5.0.0/16 -d 10.5.0.0/16 -j RETURN',
      '-s 10.5.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE',
      '! -s 10.5.0.0/16 -d 10.5.0.0/16 -j MASQUERADE',
    ];
    expect(outcome({}, nat(...rules, ofOthers))).toBe(outcome({}, nat(ofOthers)));
    expect(outcome({ masquerade: false, forward: false }, nat(...rules, ofOthers))).toBe(nat0(ofOthers));
  });

  test('J07: the rules of 0.11 to 0.19 for a former network, of which the subnet is not known', () => {
    const rules = [
      '-s 10.9.0.0/16 -d 10.9.0.0/16 -j RETURN',
      '-s 10.9.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully',
      '! -s 10.9.0.0/16 -d 10.9.77.0/24 -j RETURN',
      '! -s 10.9.0.0/16 -d 10.9.0.0/16 -j MASQUERADE --random-fully',
      '-s 10.8.0.0/16 -d 10.8.0.0/16 -m comment --comment "flanneld masq" -j RETURN',
    ];
    const former = [{ family: 4, network: '10.9.0.0/16' }] as const;
    expect(outcome({ former }, nat(...rules, ofOthers))).toBe(outcome({}, nat(ofOthers)));
  });

  test('but not what somebody else wrote for a network that is not ours', () => {
    const foreign = ['-s 10.9.0.0/16 -d 10.9.0.0/16 -j RETURN', '-s 10.5.0.0/16 -o eth1 -j MASQUERADE'];
    for (const rule of foreign) expect(outcome({}, nat(...foreign))).toContain(rule);
  });

  test('masquerading that was turned off', () => {
    expect(outcome({ masquerade: false }, outcome({}))).not.toMatch(/10\.5.*MASQUERADE|FLANNEL-POSTRTG/);
  });

  function nat0(...rules: string[]): string {
    const iptables = new FakeIptables('iptables');
    iptables.edit(nat(...rules));
    return iptables.text();
  }
});

describe('in nftables mode', () => {
  const mode = 'nftables';

  test('nothing of ours stays in iptables', () => {
    const text = outcome({ mode }, outcome({}));
    expect(text).not.toContain('FLANNEL');
  });

  test.each([
    ['the policy of FORWARD is DROP', '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n'],
    ['a rule rejects', '*filter\n-A FORWARD -i eth1 -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n'],
    ['a chain drops', '*filter\n:X - [0:0]\n-A X -j DROP\n-A FORWARD -j X\nCOMMIT\n'],
  ])('the overlay is accepted in iptables where %s', (_name, text) => {
    expect(mayDropForwarded(parseSaved(text))).toBe(true);
    const forwarding = outcome({ mode }, text);
    expect(forwarding).toContain('-A FLANNEL-FWD -s 10.5.0.0/16');
    expect(forwarding).not.toContain('POSTRTG');
    expect(outcome({ mode, forward: false }, forwarding)).not.toContain('FLANNEL');
  });
});

test('whatever was done to the rules, one plan puts them right and leaves those of others', () => {
  const foreign = ['-A FORWARD -j REJECT', '-I FORWARD 1 -j REJECT', '-A POSTROUTING -o eth1 -j MASQUERADE'];
  const jump = '-m comment --comment "flanneld masq" -j FLANNEL-POSTRTG';
  const damage = [
    ...foreign,
    '-F FORWARD',
    '-F POSTROUTING',
    '-F FLANNEL-FWD',
    '-F FLANNEL-POSTRTG',
    '-X FLANNEL-FWD',
    '-X FLANNEL-POSTRTG',
    `-A POSTROUTING ${jump}`,
    '-I POSTROUTING 1 -j FLANNEL-POSTRTG',
    '-I FLANNEL-POSTRTG 1 -s 10.5.0.0/16 -j MASQUERADE',
    '-A FLANNEL-FWD -j DROP',
    '-I FORWARD 1 -j FLANNEL-FWD',
    '-A POSTROUTING ! -s 10.5.0.0/16 -d 10.5.0.0/16 -j MASQUERADE',
  ];
  const intact = parseSaved(outcome({}));
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...damage), { maxLength: 20 }), lines => {
      const iptables = new FakeIptables('iptables');
      iptables.edit(outcome({}));
      for (const line of lines) {
        const table = /FORWARD|FWD/.test(line) ? 'filter' : 'nat';
        try {
          iptables.edit(`*${table}\n${line}\nCOMMIT\n`);
        } catch {} // a chain that is gone cannot be damaged
      }
      const others = (text: string) =>
        text.split('\n').filter(line => foreign.some(rule => rule.endsWith(line.replace(/^-A \S+ /, ''))));
      const before = others(iptables.text());
      const text = outcome({}, iptables.text());
      const mended = parseSaved(text);
      for (const [table, chain] of [
        ['filter', 'FLANNEL-FWD'],
        ['nat', 'FLANNEL-POSTRTG'],
      ] as const)
        expect(mended.get(table)?.get(chain)).toEqual(intact.get(table)?.get(chain));
      expect(text.match(/^-A FORWARD .*FLANNEL-FWD$/gm)).toHaveLength(1);
      expect(text.match(/^-A POSTROUTING .*FLANNEL-POSTRTG$/gm)).toHaveLength(1);
      expect(mended.get('filter')?.get('FORWARD')?.rules[0]).toContain('FLANNEL-FWD');
      expect(others(text)).toEqual(before);
    }),
  );
});

test('many chains that lead to many others are looked at once', () => {
  const names = Array.from({ length: 200 }, (_, n) => `C${n}`);
  const jumps = names.flatMap((from, n) => names.slice(n + 1).map(to => `-A ${from} -j ${to}\n`));
  const saved = parseSaved(`*filter\n${jumps.join('')}-A FORWARD -j C0\nCOMMIT\n`);
  expect(mayDropForwarded(saved)).toBe(false);
});

test('a chain that leads to itself ends', () => {
  const tables = parseSaved('*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -g A\nCOMMIT\n');
  expect(mayDrop('-j A', tables.get('filter') ?? new Map())).toBe(false);
});

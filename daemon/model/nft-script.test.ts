// The script for nft as text, and that it says what the iptables rules say.
import { expect, test } from 'vitest';
import { ruleSets } from './iptables-sets.ts';
import { nftScript } from './nft-script.ts';
import { ranges, trafficOf } from './rules.fixture.ts';

const mode = 'nftables';

test('both tables are made anew in one script', () => {
  const script = nftScript(trafficOf({ mode, ranges: [ranges[4], ranges[6]] }), true, []);
  expect(script).toContain(`add table ip flannel-ipv4
delete table ip flannel-ipv4
add table ip flannel-ipv4
add chain ip flannel-ipv4 forward { type filter hook forward priority 0; policy accept; }
add rule ip flannel-ipv4 forward ip saddr 10.5.0.0/16 accept comment "flanneld forward"
add rule ip flannel-ipv4 forward ip daddr 10.5.0.0/16 accept comment "flanneld forward"
add chain ip flannel-ipv4 postrtg { type nat hook postrouting priority 100; policy accept; }
add rule ip flannel-ipv4 postrtg meta mark & 0x4000 == 0x4000 return comment "flanneld masq"
add rule ip flannel-ipv4 postrtg ip saddr 10.5.3.0/24 ip daddr 10.5.0.0/16 return comment "flanneld masq"
add rule ip flannel-ipv4 postrtg ip saddr 10.5.0.0/16 ip daddr 10.5.3.0/24 return comment "flanneld masq"
add rule ip flannel-ipv4 postrtg ip saddr != 10.5.0.0/16 ip daddr 10.5.3.0/24 return comment "flanneld masq"
add rule ip flannel-ipv4 postrtg ip saddr 10.5.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random comment "flanneld masq"
add rule ip flannel-ipv4 postrtg ip saddr != 10.5.0.0/16 ip daddr 10.5.0.0/16 masquerade fully-random comment "flanneld masq"
`);
  expect(script).toContain('ip6 saddr fd00:5::/48 ip6 daddr != ff00::/8 masquerade');
});

test('without IPv6 its table is not touched, unless one is there to be removed', () => {
  expect(nftScript(trafficOf({ mode }), true, [4])).not.toContain('ip6');
  expect(nftScript(trafficOf({ mode }), true, [4, 6])).toMatch(/^delete table ip6 flannel-ipv6\n/);
});

test('in iptables mode the tables go', () => {
  expect(nftScript(trafficOf(), true, [])).toBe('');
  expect(nftScript(trafficOf(), true, [4, 6])).toBe(
    'delete table ip flannel-ipv4\ndelete table ip6 flannel-ipv6\n',
  );
});

test('only the chains that are wanted', () => {
  expect(nftScript(trafficOf({ mode, masquerade: false }), true, [])).not.toContain('postrtg');
  expect(nftScript(trafficOf({ mode, forward: false }), true, [])).not.toContain(' forward ');
  expect(nftScript(trafficOf({ mode, forward: false, masquerade: false }), true, [4])).toBe(
    'delete table ip flannel-ipv4\n',
  );
});

test('rule by rule it says what the iptables rules say', () => {
  const words = (line: string) =>
    line
      .replace(/^add rule ip flannel-ipv4 \w+ /, '')
      .replace(/meta mark & (\S+) == \1/, '-m mark --mark $1/$1')
      .replaceAll(
        /ip ([sd])addr (!= )?(\S+)/g,
        (_, side, not, prefix) => `${not ? '! ' : ''}-${side} ${prefix}`,
      )
      .replace(
        /(accept|return|masquerade)(?: (fully-random))? comment (".*")$/,
        (_, verdict, random, comment) => {
          const target = `${verdict.toUpperCase()}${random ? ' --random-fully' : ''}`;
          return `-m comment --comment ${comment} -j ${target}`;
        },
      );
  const script = nftScript(trafficOf({ mode }), true, []);
  const translated = script
    .split('\n')
    .filter(line => line.startsWith('add rule'))
    .map(words);
  const iptables = ruleSets(trafficOf(), 4, true, new Map()).flatMap(({ rules = [] }) => rules);
  expect(translated).toEqual(iptables);
});

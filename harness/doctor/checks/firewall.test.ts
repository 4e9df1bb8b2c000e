// Checks of packet filters, on rules as docker, firewalld, ufw, flannel and people write them.
import { describe, expect, test } from 'vitest';
import { factsWith, inEtcd, refused } from '../facts.fixture.ts';
import { bridgeFilter, firewallManager, packetFilters } from './firewall.ts';

const net = (type = 'vxlan', more = {}) =>
  inEtcd({ Network: '10.5.0.0/16', Backend: { Type: type, ...more } });
const save = (rules: string, { forward = 'ACCEPT', input = 'ACCEPT' } = {}) => {
  const own = [...rules.matchAll(/^-A (\S+)/gm)].map(([, chain]) => chain);
  const chains = [...new Set(own)].filter(chain => !['FORWARD', 'INPUT'].includes(chain ?? ''));
  return `*filter\n:INPUT ${input} [0:0]\n:FORWARD ${forward} [4:160]\n${chains.map(chain => `:${chain} - [0:0]\n`).join('')}${rules}\nCOMMIT\n`;
};
const nothing: ReturnType<typeof net> = { etcd: [], config: { state: 'absent' } };
const judge = (changes: Parameters<typeof factsWith>[0], more = net()) =>
  packetFilters.judge(factsWith(changes, more), 'host');

describe('iptables', () => {
  const fix = 'iptables -I FORWARD -s 10.5.0.0/16 -d 10.5.0.0/16 -j ACCEPT';

  test('nothing drops', () => {
    expect(judge({}).state).toBe('ok');
    expect(
      judge({ iptables: save('-A FORWARD -i eth1 -j DROP\n-A INPUT -p tcp -m tcp --dport 22 -j REJECT') })
        .state,
    ).toBe('ok');
    expect(judge({ iptables: save('-A FORWARD -m conntrack --ctstate INVALID -j DROP') }).state).toBe('ok');
  });

  test('a REJECT at the end of FORWARD, before and after flannel has its rules', () => {
    const reject = '-A FORWARD -j REJECT --reject-with icmp-host-prohibited';
    expect(judge({ iptables: save(reject) })).toEqual({
      state: 'blocks',
      saw: 'from containers, to containers: "-j REJECT --reject-with icmp-host-prohibited" (iptables filter/FORWARD)',
      fix,
    });
    const flannel =
      '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD\n-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT\n-A FLANNEL-FWD -d 10.5.0.0/16 -j ACCEPT';
    expect(judge({ iptables: save(`${flannel}\n${reject}`) }).state).toBe('ok');
    expect(judge({ iptables: save(`${reject}\n${flannel}`) }).state).toBe('blocks');
    expect(judge({ iptables: save(flannel, { forward: 'DROP' }) }).state).toBe('ok');
  });

  test("docker's policy DROP waits for flanneld's rules, and blocks when those are gone", () => {
    const docker = save(
      '-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -i docker0 ! -o docker0 -j ACCEPT',
      { forward: 'DROP' },
    );
    expect(judge({ iptables: docker })).toMatchObject({ state: 'warning', fix });
    expect(judge({ iptables: docker, subnetEnv: 'FLANNEL_NETWORK=10.5.0.0/16' })).toMatchObject({
      state: 'blocks',
      saw: 'to containers: policy DROP of FORWARD (iptables filter)',
    });
  });

  test('what peers send is dropped', () => {
    const policy = save('-A INPUT -i lo -j ACCEPT\n-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT', {
      input: 'DROP',
    });
    expect(judge({ iptables: policy })).toEqual({
      state: 'blocks',
      saw: 'udp 8472 from peers: policy DROP of INPUT (iptables filter)',
      fix: 'iptables -I INPUT -p udp --dport 8472 -j ACCEPT',
    });
    expect(judge({ iptables: policy }, net('udp')).fix).toContain('8285');
    expect(judge({ iptables: policy }, net('vxlan', { Port: 4789 })).fix).toContain('4789');
    expect(judge({ iptables: policy }, net('host-gw')).state).toBe('ok');
    const open = save('-A INPUT -p udp -m multiport --dports 53,8000:9000 -j ACCEPT', { input: 'DROP' });
    expect(judge({ iptables: open }).state).toBe('ok');
    expect(judge({ iptables: open }, nothing).state).toBe('ok');
    expect(judge({ iptables: policy }, nothing).saw).toContain('udp 8285 from peers');
    // Perhaps it is peers whom the rule means.
    const peers = save('-A INPUT -s 192.168.7.0/24 -j ACCEPT', { input: 'DROP' });
    expect(judge({ iptables: peers })).toMatchObject({
      state: 'warning',
      saw: expect.stringContaining('unless a rule'),
    });
  });

  test('the legacy tables count as well', () => {
    const legacy = save('-A FORWARD -j DROP');
    expect(judge({ iptablesLegacy: legacy })).toMatchObject({
      state: 'blocks',
      fix: expect.stringMatching(/^iptables-legacy -I FORWARD/),
    });
  });

  test('chains: return, goto, and one that calls itself', () => {
    expect(judge({ iptables: save('-A FORWARD -j X\n-A X -j RETURN\n-A X -j DROP') }).state).toBe('ok');
    expect(
      judge({
        iptables: save('-A FORWARD -g X\n-A FORWARD -j ACCEPT\n-A X -p udp -j ACCEPT', { forward: 'DROP' }),
        subnetEnv: '',
      }).state,
    ).toBe('blocks');
    expect(judge({ iptables: save('-A FORWARD -j X\n-A X -j X') }).state).toBe('ok');
    expect(judge({ iptables: save('-A FORWARD ! -s 10.0.0.0/8 -j DROP') }).state).toBe('ok');
    expect(judge({ iptables: save('-A FORWARD -m mark --mark 0x1 -j DROP') }).state).toBe('ok');
  });
});

describe('nft', () => {
  const chain = (name: string, more = {}) => ({
    chain: { family: 'inet', table: 'firewalld', name, ...more },
  });
  const rule = (name: string, ...expr: readonly object[]) => ({
    rule: { family: 'inet', table: 'firewalld', chain: name, expr },
  });
  const nft = (...objects: readonly object[]) => JSON.stringify({ nftables: [{ metainfo: {} }, ...objects] });
  const base = (name: string, hook: string, policy = 'accept') =>
    chain(name, { type: 'filter', hook, prio: 10, policy });
  const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } });
  const ct = match({ ct: { key: 'state' } }, ['established', 'related'], 'in');

  test("firewalld's REJECT at the end of what is forwarded", () => {
    const text = nft(
      base('filter_FORWARD', 'forward'),
      chain('zones'),
      rule('filter_FORWARD', ct, { accept: null }),
      rule('filter_FORWARD', match({ ct: { key: 'status' } }, 'dnat', 'in'), { accept: null }),
      rule('filter_FORWARD', match({ meta: { key: 'iifname' } }, 'lo'), { accept: null }),
      rule('filter_FORWARD', { jump: { target: 'zones' } }),
      rule(
        'zones',
        match({ payload: { protocol: 'ip', field: 'saddr' } }, { prefix: { addr: '10.6.0.0', len: 16 } }),
        { accept: null },
      ),
      rule('filter_FORWARD', { reject: { type: 'icmpx', expr: 'admin-prohibited' } }),
    );
    expect(judge({ nft: text })).toMatchObject({
      state: 'blocks',
      saw: expect.stringContaining('(inet firewalld/filter_FORWARD)'),
      fix: 'nft insert rule inet firewalld filter_FORWARD ip saddr 10.5.0.0/16 ip daddr 10.5.0.0/16 accept',
    });
    expect(judge({ nft: text, firewalld: 'running\n' }).fix).toBe(
      'firewall-cmd --permanent --zone=trusted --add-source=10.5.0.0/16 && firewall-cmd --reload',
    );
    expect(judge({ nft: text.replace('10.6.0.0', '10.5.0.0') }).state).toBe('ok');
  });

  test('what peers send', () => {
    const dport = (right: unknown) => match({ payload: { protocol: 'udp', field: 'dport' } }, right);
    const open = (right: unknown) =>
      nft(base('in', 'input', 'drop'), rule('in', dport(right), { accept: null }));
    expect(judge({ nft: open(8472) }).state).toBe('ok');
    expect(judge({ nft: open({ set: [53, { range: [8000, 9000] }] }) }).state).toBe('ok');
    expect(judge({ nft: open(53) })).toMatchObject({
      state: 'blocks',
      fix: 'nft insert rule inet firewalld in udp dport 8472 accept',
    });
    expect(judge({ nft: open(53), firewalld: 'running' }).fix).toBe(
      'firewall-cmd --permanent --add-port=8472/udp && firewall-cmd --reload',
    );
    expect(judge({ nft: open(53), ufw: 'ENABLED=yes\n' }).fix).toBe('ufw allow 8472/udp');
  });

  test('all but what is said', () => {
    const iif = (wanted: unknown) => match({ meta: { key: 'iifname' } }, wanted, '!=');
    const drop = (...wanted: readonly unknown[]) =>
      nft(base('f', 'forward'), ...wanted.map(one => rule('f', iif(one), { drop: null })));
    expect(judge({ nft: drop({ set: ['flannel*', 'docker0'] }) }).state).toBe('ok');
    expect(judge({ nft: drop({ set: ['eth0', 'docker0'] }) })).toMatchObject({
      state: 'blocks',
      saw: expect.stringMatching(/^to containers: /),
    });
  });

  test('what is not known may match, and tables that see no IPv4 do not count', () => {
    const may = { xt: { type: 'match', name: 'addrtype' } };
    expect(judge({ nft: nft(base('f', 'forward', 'drop'), rule('f', may, { accept: null })) }).state).toBe(
      'warning',
    );
    expect(judge({ nft: nft(base('f', 'forward'), rule('f', may, { drop: null })) }).state).toBe('ok');
    const v6 = nft(base('f', 'forward', 'drop')).replaceAll('inet', 'ip6');
    expect(judge({ nft: v6 }).state).toBe('ok');
    // iptables has the same table in its own words.
    const same = nft(base('FORWARD', 'forward', 'drop'))
      .replaceAll('inet', 'ip')
      .replaceAll('firewalld', 'filter');
    expect(judge({ nft: same, subnetEnv: '' }).state).toBe('ok');
    expect(judge({ nft: same, subnetEnv: '', iptables: null }).state).toBe('blocks');
  });
});

test('filters that cannot be looked at', () => {
  expect(judge({ nft: refused })).toEqual({
    state: 'unknown',
    saw: 'nft -j list ruleset: EACCES',
    fix: 'sudo npm run lab -- doctor --host',
  });
  expect(judge({ nft: null, iptables: null }).state).toBe('unknown');
  expect(judge({ nft: null }).state).toBe('ok');
});

test('firewall managers, when what they do is in the way', () => {
  const manager = (changes: Parameters<typeof factsWith>[0], more: object = net()) =>
    firewallManager.judge(factsWith({ iptables: save('-A FORWARD -j DROP'), ...changes }, more), 'host');
  expect(manager({}).state).toBe('ok');
  expect(manager({ firewalld: { state: 'unreadable', why: 'not running' }, ufw: 'ENABLED=no\n' }).state).toBe(
    'ok',
  );
  expect(manager({ firewalld: 'running\n' }, {})).toMatchObject({
    state: 'warning',
    fix: 'systemctl disable --now firewalld',
  });
  expect(manager({ firewalld: 'running\n' }).fix).toContain('--add-source=10.5.0.0/16');
  expect(manager({ ufw: 'ENABLED=yes\n' })).toMatchObject({ state: 'warning', saw: 'ufw is running' });
  expect(manager({ ufw: 'ENABLED=yes\n', iptables: save('') })).toEqual({
    state: 'ok',
    saw: "ufw is running, and drops nothing of flannel's",
  });
  expect(manager({ firewalld: 'running', nft: refused }).state).toBe('warning');
});

test('br_netfilter', () => {
  const bridge = (changes: Parameters<typeof factsWith>[0]) =>
    bridgeFilter.judge(factsWith(changes, net()), 'host');
  const drops = save('-A FORWARD -j DROP');
  expect(bridge({}).state).toBe('ok');
  expect(bridge({ bridgeNf: '1\n' }).state).toBe('ok');
  expect(bridge({ bridgeNf: '0\n', iptables: drops }).state).toBe('ok');
  expect(bridge({ kubelet: '' })).toMatchObject({ state: 'warning', fix: 'modprobe br_netfilter' });
  expect(bridge({ kubelet: '', bridgeNf: '0' }).fix).toBe('sysctl -w net.bridge.bridge-nf-call-iptables=1');
  expect(bridge({ bridgeNf: '1', iptables: drops })).toMatchObject({
    state: 'warning',
    fix: 'sysctl -w net.bridge.bridge-nf-call-iptables=0',
  });
  expect(bridge({ bridgeNf: '1', iptables: drops, kubelet: '' }).fix).toContain('iptables -I FORWARD');
  expect(bridge({ bridgeNf: '1', nft: refused }).state).toBe('unknown');
  expect(bridge({ bridgeNf: refused }).state).toBe('unknown');
});

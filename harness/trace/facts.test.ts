// What tools print, read into facts; and the lookups a kernel would make in them.
import { expect, test } from 'vitest';
import type { PlaceFacts } from './facts.ts';
import { forwardChains, parseSysctls, parseUdpPorts } from './facts.ts';
import { filterText, filterVerdicts } from './filter-trace.ts';
import { routeTo } from './lookup.ts';
import { pingResult } from './probe.ts';

test('chains of nftables that are called when packets are forwarded', () => {
  const chain = { family: 'ip', table: 'x', name: 'f', hook: 'forward', policy: 'drop' };
  const json = JSON.stringify({
    nftables: [{ metainfo: {} }, { chain }, { chain: { ...chain, hook: 'input' } }],
  });
  expect(forwardChains(json)).toEqual([{ name: 'ip x f', policy: 'drop' }]);
  expect(forwardChains('')).toEqual([]);
});

test('sysctls by their path', () => {
  const text = 'ip_forward:1\nconf/flannel.1/rp_filter:2\n';
  expect(parseSysctls(text)).toEqual(
    new Map([
      ['ip_forward', 1],
      ['conf/flannel.1/rp_filter', 2],
    ]),
  );
});

test('who listens, and who of them stands still', () => {
  const sockets = `UNCONN 0 0 0.0.0.0:8472 0.0.0.0:*
UNCONN 0 0 192.168.77.11:8285 0.0.0.0:* users:(("node",pid=42,fd=30))`;
  expect(parseUdpPorts(sockets, '42 State: T (stopped)\n').get(8285)).toBe('stopped');
  expect(parseUdpPorts(sockets, '42 State: S (sleeping)\n')).toEqual(
    new Map([
      [8472, 'running'],
      [8285, 'running'],
    ]),
  );
});

test('the longest prefix wins, then the lowest metric', () => {
  const routes = [
    { dst: 'default', dev: 'eth0' },
    { dst: '10.5.0.0/16', dev: 'slow', metric: 100 },
    { dst: '10.5.0.0/16', dev: 'flannel.1' },
    { dst: '10.5.3.7', dev: 'docker0' },
  ];
  const facts: PlaceFacts = { name: 'node1', links: [], routes };
  const device = (address: string) => routeTo(facts, address)?.dev;
  expect(['10.5.3.7', '10.5.3.8', '1.1.1.1'].map(device)).toEqual(['docker0', 'flannel.1', 'eth0']);
});

test('a trace tells the policy or the rule that ended a packet', () => {
  const verdicts = filterVerdicts(`trace id 1 ip lab_trace prerouting packet: iif "eth0" ip length 84
trace id 1 ip lab_trace prerouting rule icmp type echo-request meta nftrace set 1 (verdict continue)
trace id 1 ip filter FORWARD rule counter packets 3 bytes 9 jump FLANNEL-FWD (verdict jump FLANNEL-FWD)
trace id 1 ip filter FORWARD policy drop 
trace id 2 ip filter FORWARD policy accept 
trace id 3 inet x f rule ip daddr 10.0.0.0/8 counter packets 0 bytes 0 reject (verdict drop)`);
  expect(verdicts.map(filterText)).toEqual([
    'FORWARD policy DROP (nft: filter/FORWARD)',
    'rule "ip daddr 10.0.0.0/8 reject" (nft: x/f)',
  ]);
});

test('what ping prints', () => {
  const told = 'ping: local error: message too long, mtu=1400\n2 packets transmitted, 0 received, +2 errors';
  expect(pingResult(told)).toEqual({ received: 0, toldMtu: 1400 });
  expect(pingResult('From 10.5.1.1 icmp_seq=1 Frag needed and DF set (mtu = 1380)').toldMtu).toBe(1380);
  expect(pingResult('2 packets transmitted, 2 received, 0% packet loss')).toEqual({
    received: 2,
    toldMtu: undefined,
  });
});

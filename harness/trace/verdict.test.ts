// Where pings were last seen and what is wrong, paired: only what can make them vanish there is to blame.
import { expect, test } from 'vitest';
import type { NetworkConfig } from '../cluster-spec.ts';
import type { Cause } from './checks/finding.ts';
import { findingsOn } from './checks/index.ts';
import type { Count, Direction, Seen } from './counters.ts';
import type { NodeFacts } from './facts.ts';
import { filterVerdicts } from './filter-trace.ts';
import { type Heard, nothingHeard } from './heard.ts';
import { parseLegacy } from './legacy.ts';
import { type Evidence, lossIn, rewritingIn } from './loss.ts';
import { type Path, pathBetween, type Stage } from './path.ts';
import { type Change, facts, mac, side } from './sides.fixture.ts';
import { blameFor, blameWithout, rewriter } from './verdict.ts';

function paths(one: Change = {}, two: Change = {}, type = 'vxlan') {
  const config: NetworkConfig = { Network: '10.5.0.0/16', Backend: { Type: type } };
  const [near, far] = [side(1, 2, type, one), side(2, 1, type, two)];
  return { request: pathBetween(near, far, config), answer: pathBetween(far, near, config) };
}

type Paths = Readonly<Record<Direction, Path>>;

/** Seen up to and with a stage, small and large alike. */
function seenUntil(path: Path, last: Stage | undefined, count: Count = { small: 2, large: 2, own: 2 }): Seen {
  const stages = path.points.map(({ stage }) => stage);
  const until = last === undefined ? -1 : stages.indexOf(last);
  const none = { small: 0, large: 0, own: 0 };
  return new Map(stages.map((stage, index) => [stage, index <= until ? count : none]));
}

function lost(all: Paths, direction: Direction, last: Stage | undefined): Evidence {
  const request = seenUntil(all.request, direction === 'request' ? last : 'container-in');
  const answer = seenUntil(all.answer, direction === 'answer' ? last : undefined);
  const nothing = { received: 0, toldMtu: undefined };
  return { seen: { request, answer }, small: nothing, large: nothing };
}

const heard = (trace: string): Heard => ({ ...nothingHeard, filters: filterVerdicts(trace) });

function blamed(all: Paths, evidence: Evidence, trace = '') {
  const loss = lossIn(evidence, all);
  if (!loss) throw new Error('nothing was lost');
  const { node, cause, direction, hop } = blameFor(loss, findingsOn(all[loss.direction]), heard(trace));
  return { node, cause, direction, hop };
}

test('a healthy pair has no findings', () => {
  for (const path of Object.values(paths())) expect(findingsOn(path)).toEqual([]);
});

test('a finding is to blame where packets vanish because of it', () => {
  const all = paths({ fdb: [] });
  const found = { node: 'node1', cause: 'no-fdb', direction: 'request', hop: 'between flannel.1 and eth0' };
  expect(blamed(all, lost(all, 'request', 'tunnel-out'))).toEqual(found);
});

test('a finding is not to blame for what was seen to pass it', () => {
  const all = paths({ fdb: [] });
  expect(blamed(all, lost(all, 'request', 'uplink-out'))).toMatchObject({ cause: 'underlay-partition' });
});

test('the answer has findings of its own', () => {
  const all = paths({}, { neighbours: [] });
  const found = { node: 'node2', cause: 'no-neighbour', direction: 'answer' };
  expect(blamed(all, lost(all, 'answer', 'forward-out'))).toMatchObject(found);
});

test('of two on one hop the one that explains the other is to blame', () => {
  const links = facts(1, 2).links.filter(({ ifname }) => ifname !== 'flannel.1');
  const all = paths({ links, routes: facts(1, 2).routes.slice(0, 2), neighbours: [], fdb: [] });
  expect(findingsOn(all.request).map(({ cause }) => cause)).toEqual(['device-missing', 'no-route']);
  expect(blamed(all, lost(all, 'request', 'bridge-in'))).toMatchObject({ cause: 'device-missing' });
});

const dropping = [{ name: 'ip filter FORWARD', policy: 'drop' }];

test('policy DROP is to blame only where forwarding was entered and not left', () => {
  const all = paths({}, { forwardChains: dropping });
  expect(blamed(all, lost(all, 'request', 'far-forward-in'))).toMatchObject({
    node: 'node2',
    cause: 'forward-drop',
  });
  expect(blamed(all, lost(all, 'request', 'tunnel-in'))).toMatchObject({ cause: 'unexplained' });
});

test('legacy iptables is to blame where forwarding was entered and not left, or the underlay not reached', () => {
  const rules = (lines: string) =>
    parseLegacy(`*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n${lines}\n# by iptables-legacy\n`);
  const dropped = '-A FORWARD -i flannel.1 -m mark --mark 0x1 -j DROP';
  const all = paths({}, { forwardChains: dropping, legacy: rules(dropped) });
  const loss = lossIn(lost(all, 'request', 'far-forward-in'), all);
  if (!loss) throw new Error('nothing was lost');
  expect(blameFor(loss, findingsOn(all.request), nothingHeard)).toMatchObject({
    node: 'node2',
    cause: 'forward-drop',
    text: 'rule "-i flannel.1 -m mark --mark 0x1 -j DROP" (iptables-legacy: filter/FORWARD)',
    show: 'iptables-legacy -t filter -S FORWARD',
  });
  const outer = paths({}, { legacy: rules('-A INPUT -p udp -m udp --dport 8472 -j DROP') });
  expect(blamed(outer, lost(outer, 'request', 'uplink-in'))).toMatchObject({
    node: 'node2',
    cause: 'underlay-partition',
    hop: 'between eth0 and flannel.1',
  });
});

test('the rule that was seen to drop comes before the policy', () => {
  const all = paths({}, { forwardChains: dropping });
  const loss = lossIn(lost(all, 'request', 'far-forward-in'), all);
  const trace =
    'trace id 1 ip x f rule icmp type echo-request counter packets 1 bytes 84 drop (verdict drop)';
  if (!loss) throw new Error('nothing was lost');
  const { text } = blameFor(loss, findingsOn(all.request), heard(trace));
  expect(text).toBe('rule "icmp type echo-request drop" (nft: x/f)');
});

test('small ones pass and large ones vanish: a black hole, unless the sender is told', () => {
  const all = paths();
  const request = seenUntil(all.request, 'container-in', { small: 2, large: 0, own: 2 });
  const evidence = (toldMtu?: number): Evidence => ({
    seen: {
      request: new Map([...request, ['uplink-out', { small: 2, large: 2, own: 2 }]]),
      answer: new Map(),
    },
    small: { received: 2, toldMtu: undefined },
    large: { received: 0, toldMtu },
  });
  expect(blamed(all, evidence())).toMatchObject({ cause: 'mtu-blackhole', node: 'node1' });
  expect(lossIn(evidence(1400), all)).toBeUndefined();
});

test('the first place without the own source is behind the one that rewrote it', () => {
  const all = paths();
  const { request } = all;
  const seen = new Map([...seenUntil(request, 'container-in', { small: 2, large: 2, own: 0 })]);
  for (const stage of ['container-out', 'bridge-in', 'forward-in', 'forward-out'] as const) {
    seen.set(stage, { small: 2, large: 2, own: 2 });
  }
  const reached = { received: 2, toldMtu: undefined };
  const evidence = { seen: { request: seen, answer: new Map() }, small: reached, large: reached };
  const rewriting = rewritingIn(evidence, request);
  if (!rewriting) throw new Error('nothing was rewritten');
  const trace = 'trace id 1 ip nat POSTROUTING rule ip saddr 10.5.1.2 masquerade (verdict accept)';
  const blame = rewriter(rewriting, [], heard(trace));
  expect(blame).toMatchObject({
    node: 'node1',
    cause: 'masquerade',
    show: 'nft list chain ip nat POSTROUTING',
  });
});

test('without evidence the first sure finding counts, and none means unknown', () => {
  const judge = (all: Paths) =>
    blameWithout({
      paths: all,
      findings: { request: findingsOn(all.request), answer: findingsOn(all.answer) },
    });
  expect(judge(paths({ forwardChains: dropping }))).toMatchObject({ outcome: 'unknown' });
  expect(judge(paths({}, { neighbours: [] })).blame).toMatchObject({
    cause: 'no-neighbour',
    direction: 'answer',
  });
});

test.each<[Cause, Partial<NodeFacts>, Partial<NodeFacts>]>([
  ['ip-forward-off', {}, { sysctls: new Map([['ip_forward', 0]]) }],
  [
    'rp-filter',
    {},
    { sysctls: new Map([['conf/all/rp_filter', 1]]), routes: facts(2, 1).routes.slice(0, 2) },
  ],
  ['no-route', { routes: facts(1, 2).routes.slice(0, 2) }, {}],
  ['wrong-fdb', { fdb: [{ mac: mac(2), ifname: 'flannel.1', dst: '192.168.77.13' }] }, {}],
  ['stale-neighbour', { neighbours: [{ dst: '10.5.2.0', dev: 'flannel.1', lladdr: mac(9) }] }, {}],
])('%s is found', (cause, one, two) => {
  expect(findingsOn(paths(one, two).request)[0]).toMatchObject({ cause });
});

test('what is not known of a backend is said', () => {
  const route = { dst: '10.5.2.0/24', dev: 'flannel-wg' };
  const all = paths({ routes: [...facts(1, 2).routes.slice(0, 2), route] }, {}, 'extension');
  expect(all.request.points.map(({ stage }) => stage)).not.toContain('uplink-out');
  const loss = lossIn(lost(all, 'request', 'forward-out'), all);
  if (!loss) throw new Error('nothing was lost');
  const { text } = blameFor(loss, [], nothingHeard);
  expect(text).toContain('what a node with the backend extension should have is not known here');
});

// The rules are kept in both modes through whatever happens to them and to the tools, and each change is said once.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { until } from '../../lib/wait.ts';
import { FakeFirewall } from '../kernel/fake-firewall.ts';
import { ranges, type TrafficGiven, trafficOf } from '../model/rules.fixture.ts';
import { keepAllRules } from './keep-rules.ts';
import { ruleKeepers } from './rule-keepers.ts';

let firewall: FakeFirewall;
let log: string[];
let stopping: AbortController;
let running: Promise<unknown>;

beforeEach(() => {
  firewall = new FakeFirewall();
  running = Promise.resolve();
});
afterEach(() => stop());

/** Resolves when all tools have been tried once. */
async function start(given: TrafficGiven = {}): Promise<void> {
  log = [];
  stopping = new AbortController();
  const logger = createLogger({ write: line => void log.push(line.slice(25)) });
  await new Promise<void>(attempted => {
    const keepers = ruleKeepers(firewall, trafficOf(given));
    running = keepAllRules(
      keepers,
      { resync: 0.01, log: logger, attempted, observe: () => {} },
      stopping.signal,
    ).catch(() => {});
  });
}

async function stop(): Promise<void> {
  stopping.abort();
  await running;
}

const holds = (what: string, probe: () => boolean) =>
  until(async () => probe() || undefined, { what, timeout: 2000, interval: 5 });
/** Waits until iptables was looked at twice more. */
async function looks(tool: { readonly calls: number } = firewall.iptables): Promise<void> {
  const before = tool.calls;
  await holds('two looks', () => tool.calls >= before + 6);
}
const rules = () => firewall.iptables.text();
const tables = () => firewall.nft.text();

describe('in iptables mode', () => {
  test('rules are put once and then left alone', async () => {
    await start();
    await looks();
    expect(rules()).toContain('-A FLANNEL-POSTRTG');
    expect(firewall.iptables.restored).toBe(1);
    expect(log).toEqual(['info  iptables rules put in order']);
  });

  test('what is flushed comes back, the second and the third time, too', async () => {
    await start();
    const before = rules();
    for (let round = 0; round < 3; round++) {
      firewall.iptables.edit('*nat\n-F POSTROUTING\n-F FLANNEL-POSTRTG\n-X FLANNEL-POSTRTG\nCOMMIT\n');
      await holds('the rules again', () => rules().length === before.length);
    }
  });

  test('J05: while another program keeps the lock nothing is half-written; afterwards it is done', async () => {
    firewall.iptables.locked = true;
    await start();
    await looks();
    expect(rules()).toBe('');
    firewall.iptables.locked = false;
    await holds('the rules', () => rules().includes('FLANNEL-POSTRTG') && log.length === 3);
    expect(log).toEqual([
      expect.stringMatching(/^warn {2}cannot put the iptables rules in place: .*xtables lock/),
      'info  the iptables rules are in place again',
      'info  iptables rules put in order',
    ]);
  });

  test('a tool that is missing is said once, and used as soon as it is there', async () => {
    firewall.iptables.installed = false;
    await start();
    await looks();
    expect(log).toEqual([
      expect.stringMatching(
        /^warn {2}iptables\S* is not installed: running without FLANNEL-FWD and FLANNEL-POSTRTG/,
      ),
    ]);
    firewall.iptables.installed = true;
    await holds('the rules', () => rules().includes('FLANNEL-POSTRTG'));
  });

  test('a tool that cannot choose ports at random is said once', async () => {
    firewall.iptables.randomFully = false;
    await start();
    await looks();
    expect(rules()).not.toContain('random');
    expect(log.filter(line => line.includes('at random'))).toHaveLength(1);
  });

  test('without IPv6 ip6tables is not called', async () => {
    await start();
    await looks();
    expect(firewall.ip6tables.calls).toBe(0);
  });

  test('with IPv6 both families are kept, each by itself', async () => {
    firewall.iptables.installed = false;
    await start({ ranges: [ranges[4], ranges[6]] });
    expect(firewall.ip6tables.text()).toContain('-A FLANNEL-FWD -s fd00:5::/48');
    firewall.iptables.installed = true;
    await holds('the IPv4 rules', () => rules().includes('-A FLANNEL-FWD -s 10.5.0.0/16'));
  });

  test('IPv6 that was turned off leaves nothing', async () => {
    await start({ ranges: [ranges[4], ranges[6]] });
    await stop();
    await start({ former: [{ family: 6, network: ranges[6].network }] });
    expect(firewall.ip6tables.text()).not.toContain('FLANNEL');
    const { calls } = firewall.ip6tables;
    await looks();
    expect(firewall.ip6tables.calls).toBe(calls);
  });
});

describe('in nftables mode', () => {
  const mode = 'nftables';

  test('tables are put once and then left alone', async () => {
    await start({ mode });
    await looks();
    expect(tables()).toContain('table ip flannel-ipv4 {');
    expect(tables()).not.toContain('ip6');
    expect(firewall.nft.restored).toBe(1);
    expect(log).toEqual(['info  nft rules put in order']);
  });

  test.each([
    ['a rule in front', 'insert rule ip flannel-ipv4 postrtg masquerade'],
    ['a flushed chain', 'flush chain ip flannel-ipv4 postrtg'],
    ['a deleted table', 'delete table ip flannel-ipv4'],
  ])('%s is mended', async (_what, fault) => {
    await start({ mode });
    const bare = () => tables().replaceAll(/handle \d+/g, '');
    const before = bare();
    for (let round = 0; round < 2; round++) {
      firewall.nft.edit(`${fault}\n`);
      await holds('the tables again', () => bare() === before);
    }
  });

  test('iptables that comes to drop what is forwarded is made to accept the overlay', async () => {
    await start({ mode });
    expect(rules()).not.toContain('FLANNEL');
    firewall.iptables.edit('*filter\n:FORWARD DROP [0:0]\nCOMMIT\n');
    await holds('the forward rules', () => rules().includes('-A FLANNEL-FWD -s 10.5.0.0/16'));
    firewall.iptables.edit('*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n');
    await holds('no rules', () => !rules().includes('FLANNEL'));
  });

  test('a host without iptables misses nothing', async () => {
    firewall.iptables.installed = false;
    await start({ mode });
    await looks();
    expect(log).toEqual(['info  nft rules put in order']);
  });

  test('a host without nft is told what it runs without', async () => {
    firewall.nft.installed = false;
    await start({ mode });
    expect(log).toEqual([expect.stringMatching(/^warn {2}nft is not installed: .*table ip flannel-ipv4/)]);
  });
});

test('a change of mode leaves nothing of the other', async () => {
  const both = [ranges[4], ranges[6]];
  await start({ ranges: both });
  const before = rules();
  await stop();
  await start({ mode: 'nftables', ranges: both });
  expect(rules() + firewall.ip6tables.text()).not.toContain('FLANNEL');
  expect(tables()).toContain('table ip6 flannel-ipv6 {');
  await stop();
  await start({ ranges: both });
  expect(tables()).toBe('');
  expect(rules()).toBe(before);
  expect(log).toContain('info  nft rules of an earlier run removed');
});

test('a host without nft cleans up nothing and says nothing', async () => {
  firewall.nft.installed = false;
  await start();
  expect(log).toEqual(['info  iptables rules put in order']);
});

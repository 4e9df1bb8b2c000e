// What every packet filter promises, and that our plans work on it: one suite for the fakes and for the real tools.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Family } from '../../lib/ip.ts';
import { findProgram } from '../../lib/places.ts';
import { anyCode, type Runner } from '../../lib/run.ts';
import { until } from '../../lib/wait.ts';
import { planRules } from '../model/iptables-plan.ts';
import { ruleSets } from '../model/iptables-sets.ts';
import { nftScript, nftTables } from '../model/nft-script.ts';
import { ranges, type TrafficGiven, trafficOf } from '../model/rules.fixture.ts';
import type { Range } from '../model/rules.ts';
import { parseSaved } from '../model/saved-rules.ts';
import { FakeIptables } from './fake-iptables.ts';
import { FakeNft } from './fake-nft.ts';
import type { RuleTool } from './firewall.ts';
import { createIptables } from './iptables.ts';
import { canUnshare, createNamespace } from './namespace.fixture.ts';
import { createNft } from './nft.ts';

interface Bench extends AsyncDisposable {
  readonly tool: RuleTool;
  /** As another program would: what {@link RuleTool.restore} takes. */
  edit(input: string): Promise<void>;
}

const signal = AbortSignal.timeout(60_000);
const real = await canUnshare();

describe('fake iptables', () => iptablesPromises(4, fakeIptables));
describe('fake ip6tables', () => iptablesPromises(6, fakeIptables));
for (const kind of ['nft', 'legacy'] as const) {
  const has = real && findProgram(`xtables-${kind}-multi`) !== undefined;
  describe.skipIf(!has)(`iptables-${kind}`, () => iptablesPromises(4, () => realIptables('iptables', kind)));
  describe.skipIf(!has)(`ip6tables-${kind}`, () =>
    iptablesPromises(6, () => realIptables('ip6tables', kind)),
  );
}
describe('fake nft', () => nftPromises(fakeNft));
describe.skipIf(!real || !findProgram('nft'))('nft', () => nftPromises(realNft));

function iptablesPromises(family: Family, start: () => Promise<Bench>): void {
  const range: Range = ranges[family];
  let bench: Bench;
  beforeEach(async () => {
    bench = await start();
  });
  afterEach(() => bench?.[Symbol.asyncDispose]());

  const edit = (table: string, ...lines: string[]) =>
    bench.edit(`*${table}\n${lines.map(line => `${line}\n`).join('')}COMMIT\n`);
  const plan = async (given: TrafficGiven) => {
    const saved = parseSaved(await bench.tool.save(signal));
    return planRules(ruleSets(trafficOf({ ranges: [range], ...given }), family, true, saved), saved);
  };
  const settle = async (given: TrafficGiven = {}) => {
    const input = await plan(given);
    if (input) await bench.tool.restore(input, signal);
    expect(await plan(given), 'what is still to do').toBeUndefined();
  };
  const off = { forward: false, masquerade: false };
  const chain = async (table: string, name: string) =>
    parseSaved(await bench.tool.save(signal))
      .get(table)
      ?.get(name)?.rules;
  const rules = async () =>
    (await bench.tool.save(signal))
      .split('\n')
      .filter(line => line.startsWith('-A'))
      .sort();

  test('rules read back exactly as they were given, so that there is nothing left to do', async () => {
    await settle();
    expect(await chain('filter', 'FLANNEL-FWD')).toHaveLength(2);
    expect(await chain('nat', 'FLANNEL-POSTRTG')).toHaveLength(6);
    expect(await chain('filter', 'FORWARD')).toEqual([
      '-m comment --comment "flanneld forward" -j FLANNEL-FWD',
    ]);
  });

  test('order is restored after a deletion in the middle, an insertion and a second jump', async () => {
    await settle();
    const before = await bench.tool.save(signal);
    const [first = ''] = (await chain('nat', 'FLANNEL-POSTRTG')) ?? [];
    await edit('nat', `-D FLANNEL-POSTRTG ${first}`);
    await edit('nat', `-I FLANNEL-POSTRTG 1 -s ${range.network} -j MASQUERADE`);
    await edit('nat', '-A POSTROUTING -j FLANNEL-POSTRTG');
    await settle();
    const inOrder = (text: string) => text.split('\n').filter(line => line.startsWith('-A'));
    expect(inOrder(await bench.tool.save(signal))).toEqual(inOrder(before));
  });

  test('what was flushed or deleted comes back', async () => {
    await settle();
    const before = await rules();
    await edit('nat', '-F POSTROUTING');
    await edit('filter', '-F FORWARD', '-F FLANNEL-FWD', '-X FLANNEL-FWD');
    await settle();
    expect(await rules()).toEqual(before);
  });

  test('what may drop goes behind our jump, what Docker lets its users refuse stays in front', async () => {
    await settle();
    await edit('filter', ':DOCKER-USER - [0:0]');
    await edit('filter', ':OTHER - [0:0]');
    await edit('filter', `-A OTHER -s ${range.network} -j DROP`);
    await edit('filter', '-I FORWARD 1 -j OTHER');
    await edit('filter', '-I FORWARD 1 -j DOCKER-USER');
    await settle();
    const forward = await chain('filter', 'FORWARD');
    expect(forward?.map(line => line.split(' ').at(-1))).toEqual(['DOCKER-USER', 'FLANNEL-FWD', 'OTHER']);
  });

  test('what is no longer wanted is removed, and nothing else', async () => {
    await edit('filter', '-A FORWARD -i eth1 -j ACCEPT');
    await settle();
    await settle(off);
    expect(await rules()).toEqual(['-A FORWARD -i eth1 -j ACCEPT']);
  });

  test('rules of an earlier version without a chain are known by what reads back', async () => {
    const multicast = family === 4 ? '224.0.0.0/4' : 'ff00::/8';
    const { network, subnet } = range;
    await edit(
      'nat',
      `-A POSTROUTING -s ${network} -d ${network} -j RETURN`,
      `-A POSTROUTING -s ${network} ! -d ${multicast} -j MASQUERADE --random-fully`,
      `-A POSTROUTING ! -s ${network} -d ${subnet} -j RETURN`,
      `-A POSTROUTING ! -s ${network} -d ${network} -j MASQUERADE`,
      `-A POSTROUTING ! -s ${network} -d ${network} -m comment --comment "flanneld masq" -j MASQUERADE`,
      '-A POSTROUTING -o eth1 -j MASQUERADE',
    );
    await settle();
    expect(await chain('nat', 'POSTROUTING')).toEqual([
      '-m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
      '-o eth1 -j MASQUERADE',
    ]);
    await settle(off);
    expect(await rules()).toEqual(['-A POSTROUTING -o eth1 -j MASQUERADE']);
  });

  test('in nftables mode the overlay is accepted as long as something here drops', async () => {
    const mode = 'nftables';
    await settle();
    await settle({ mode });
    expect(await rules()).toEqual([]);
    await edit('filter', ':FORWARD DROP [0:0]');
    await settle({ mode });
    expect(await chain('filter', 'FLANNEL-FWD')).toHaveLength(2);
    await edit('filter', ':FORWARD ACCEPT [0:0]');
    await settle({ mode });
    expect(await rules()).toEqual([]);
  });

  test('a change that fails changes nothing of its table', async () => {
    await settle();
    const before = await bench.tool.save(signal);
    const broken = '*filter\n:FLANNEL-FWD - [0:0]\n-D FORWARD -i eth9 -j DROP\nCOMMIT\n';
    await expect(bench.tool.restore(broken, signal)).rejects.toThrow();
    expect(parseSaved(await bench.tool.save(signal))).toEqual(parseSaved(before));
  });
}

describe.skipIf(!real || !findProgram('xtables-legacy-multi'))('the lock of iptables-legacy', () => {
  const put = '*filter\n-A FORWARD -i eth1 -j ACCEPT\nCOMMIT\n';

  test.each([
    ['a short while is waited for', '1', true],
    ['longer makes the change fail as a whole', '20', false],
  ])('held for %s', async (_what, seconds, succeeds) => {
    await using bench = await realIptables('iptables', 'legacy');
    const { promise: held, release } = await bench.holdLock(seconds);
    const restoring = bench.tool.restore(put, signal);
    if (succeeds) await restoring;
    else await expect(restoring).rejects.toThrow(/xtables lock/);
    expect((await bench.tool.save(signal)).includes('-A FORWARD -i eth1')).toBe(succeeds);
    release();
    await held;
  });
});

function nftPromises(start: () => Promise<Bench>): void {
  let bench: Bench;
  beforeEach(async () => {
    bench = await start();
  });
  afterEach(() => bench?.[Symbol.asyncDispose]());

  const both = trafficOf({ mode: 'nftables', ranges: [ranges[4], ranges[6]] });
  const save = () => bench.tool.save(signal);
  const put = async (present: readonly Family[] = [], traffic = both) => {
    const { randomFully } = await bench.tool.features(signal);
    await bench.tool.restore(nftScript(traffic, randomFully, present), signal);
  };
  const lines = (text: string) => text.split('\n').filter(line => line.includes('comment')).length;

  test('no tables are no text', async () => expect(await save()).toBe(''));

  test('both tables are put, with all their rules', async () => {
    await put();
    const text = await save();
    for (const table of Object.values(nftTables)) expect(text).toContain(`table ${table} {`);
    expect(lines(text)).toBe(16);
    expect(text).toMatch(/ip saddr != 10\.5\.0\.0\/16 ip daddr 10\.5\.0\.0\/16 masquerade fully-random/);
  });

  test('the text changes exactly when something was touched, and putting the tables again mends it', async () => {
    await put();
    let before = await save();
    expect(await save()).toBe(before);
    for (const fault of [
      'insert rule ip flannel-ipv4 postrtg ip saddr 10.5.0.0/16 masquerade comment "fault"',
      'flush chain ip flannel-ipv4 forward',
      'flush chain ip6 flannel-ipv6 postrtg',
      'delete table ip flannel-ipv4',
      nftScript(both, true, []),
    ]) {
      await bench.edit(`${fault}\n`);
      expect(await save(), fault).not.toBe(before);
      await put([4, 6]);
      before = await save();
      expect(lines(before), fault).toBe(16);
      expect(before, fault).not.toContain('fault');
    }
  });

  test('a table that is not wanted any more goes, and no other', async () => {
    await bench.edit('add table ip other\n');
    await put();
    await put([4, 6], { ...both, ranges: [ranges[4]] });
    expect(await save()).not.toContain('flannel-ipv6');
    await put([4], { ...both, mode: 'iptables' });
    expect(await save()).toBe('');
    await bench.edit('delete table ip other\n');
  });

  test('a script that fails changes nothing', async () => {
    await put();
    const before = await save();
    const broken = `${nftScript(both, true, [4, 6])}flush chain ip flannel-ipv4 missing\n`;
    await expect(bench.tool.restore(broken, signal)).rejects.toThrow();
    expect(await save()).toBe(before);
  });
}

async function fakeIptables(): Promise<Bench> {
  const tool = new FakeIptables('iptables');
  return { tool, edit: async input => tool.edit(input), [Symbol.asyncDispose]: async () => {} };
}

async function fakeNft(): Promise<Bench> {
  const tool = new FakeNft();
  return { tool, edit: async input => tool.edit(input), [Symbol.asyncDispose]: async () => {} };
}

interface RealIptables extends Bench {
  /** Has another program hold the lock, for so many seconds at most or until it is released. */
  holdLock(seconds: string): Promise<{ readonly promise: Promise<unknown>; readonly release: () => void }>;
}

/** The tools of one kind, under the names that an installation gives them, with a lock of their own. */
async function realIptables(
  program: 'iptables' | 'ip6tables',
  kind: 'nft' | 'legacy',
): Promise<RealIptables> {
  const { runner, ...namespace } = await createNamespace();
  await runner.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run']);
  const named: Runner = {
    run: ([name, ...args], options) =>
      runner.run([name.replace('tables', `tables-${kind}`), ...args], options),
  };
  return {
    tool: createIptables(named, program),
    async edit(input) {
      await named.run([`${program}-restore`, '--noflush'], { input });
    },
    async holdLock(seconds) {
      const releasing = new AbortController();
      const options = { signal: releasing.signal, okCodes: anyCode };
      const lock = '/run/xtables.lock';
      const promise = runner.run(['flock', '--no-fork', lock, 'sleep', seconds], options).catch(() => {});
      const isHeld = async () => {
        const { code } = await runner.run(['flock', '-n', lock, 'true'], { okCodes: anyCode });
        return code === 0 ? undefined : true;
      };
      await until(isHeld, { what: 'the lock to be held', timeout: 5000 });
      return { promise, release: () => releasing.abort() };
    },
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

async function realNft(): Promise<Bench> {
  const namespace = await createNamespace();
  return {
    tool: createNft(namespace.runner),
    async edit(input) {
      await namespace.runner.run(['nft', '-f', '-'], { input });
    },
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

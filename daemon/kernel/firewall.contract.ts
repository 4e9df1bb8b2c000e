// What every packet filter promises, and that our plans work on it: one suite for the fake and for real iptables.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { findProgram } from '../../lib/places.ts';
import { forwardRules, masqueradeRules, planRules } from '../model/rules.ts';
import { parseSaved } from '../model/saved-rules.ts';
import { FakeFirewall } from './fake-firewall.ts';
import type { Firewall } from './firewall.ts';
import { createIptables } from './iptables.ts';
import { canUnshare, createNamespace } from './namespace.fixture.ts';

interface Bench extends AsyncDisposable {
  readonly firewall: Firewall;
  /** As another program would: one line of `iptables-restore --noflush` in a table. */
  edit(table: string, line: string): Promise<void>;
}

const signal = AbortSignal.timeout(60_000);
const network = parseCidr('10.5.0.0/16') ?? expect.unreachable();
const subnet = parseCidr('10.5.3.0/24') ?? expect.unreachable();
const wanted = (on: boolean) => [
  forwardRules(network, on),
  masqueradeRules({ network, subnet, wanted: on, randomFully: true }),
];

describe('fake', () => promises(fakeBench));
const real = findProgram('iptables-restore') && (await canUnshare());
describe.skipIf(!real)('iptables', () => promises(realBench));

function promises(start: () => Promise<Bench>): void {
  let bench: Bench;
  beforeEach(async () => {
    bench = await start();
  });
  afterEach(() => bench?.[Symbol.asyncDispose]());

  const settle = async (on = true) => {
    const plan = planRules(wanted(on), await bench.firewall.save(signal));
    if (plan) await bench.firewall.restore(plan, signal);
    expect(planRules(wanted(on), await bench.firewall.save(signal))).toBeUndefined();
  };
  const chain = async (table: string, name: string) =>
    parseSaved(await bench.firewall.save(signal))
      .get(table)
      ?.get(name);

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
    const before = await bench.firewall.save(signal);
    const [first = ''] = (await chain('nat', 'FLANNEL-POSTRTG')) ?? [];
    await bench.edit('nat', `-D FLANNEL-POSTRTG ${first}`);
    await bench.edit('nat', '-I FLANNEL-POSTRTG 1 -s 10.5.0.0/16 -j MASQUERADE');
    await bench.edit('nat', '-A POSTROUTING -j FLANNEL-POSTRTG');
    await settle();
    const rules = (text: string) => text.split('\n').filter(line => line.startsWith('-A'));
    expect(rules(await bench.firewall.save(signal))).toEqual(rules(before));
  });

  test('what may drop goes behind our jump, what Docker lets its users refuse stays in front', async () => {
    await settle();
    await bench.edit('filter', ':DOCKER-USER - [0:0]');
    await bench.edit('filter', ':OTHER - [0:0]');
    await bench.edit('filter', '-A OTHER -s 10.0.0.0/8 -j DROP');
    await bench.edit('filter', '-I FORWARD 1 -j OTHER');
    await bench.edit('filter', '-I FORWARD 1 -j DOCKER-USER');
    await settle();
    const forward = await chain('filter', 'FORWARD');
    expect(forward?.map(line => line.split(' ').at(-1))).toEqual(['DOCKER-USER', 'FLANNEL-FWD', 'OTHER']);
  });

  test('what is no longer wanted is removed, and nothing else', async () => {
    await bench.edit('filter', '-A FORWARD -s 192.168.9.0/24 -j ACCEPT');
    await settle();
    await settle(false);
    expect(await chain('filter', 'FORWARD')).toEqual(['-s 192.168.9.0/24 -j ACCEPT']);
    expect(await chain('filter', 'FLANNEL-FWD')).toBeUndefined();
    expect(await chain('nat', 'FLANNEL-POSTRTG')).toBeUndefined();
  });

  test('a change that fails changes nothing of its table', async () => {
    await settle();
    const before = await bench.firewall.save(signal);
    const broken = '*filter\n:FLANNEL-FWD - [0:0]\n-D FORWARD -s 10.99.0.0/16 -j DROP\nCOMMIT\n';
    await expect(bench.firewall.restore(broken, signal)).rejects.toThrow();
    expect(parseSaved(await bench.firewall.save(signal))).toEqual(parseSaved(before));
  });
}

async function fakeBench(): Promise<Bench> {
  const firewall = new FakeFirewall();
  return {
    firewall,
    edit: async (table, line) => firewall.edit(`*${table}\n${line}\nCOMMIT\n`),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function realBench(): Promise<Bench> {
  const namespace = await createNamespace();
  return {
    firewall: createIptables(namespace.runner),
    async edit(table, line) {
      await namespace.runner.run(['iptables-restore', '--noflush'], {
        input: `*${table}\n${line}\nCOMMIT\n`,
      });
    },
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

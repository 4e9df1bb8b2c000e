// What every kernel edge promises: one suite for the fake and for the host's in a network namespace of its own.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { silent } from '../../lib/log.ts';
import type { Runner } from '../../lib/run.ts';
import { until } from '../../lib/wait.ts';
import { blackholes } from '../model/blackholes.ts';
import { diff, type Op } from '../model/diff.ts';
import type {
  IpipTunnel,
  LinkEntry,
  NetEntry,
  NetState,
  RouteEntry,
  VxlanTunnel,
} from '../model/net-state.ts';
import { routeWords, stateText } from '../model/net-state.ts';
import { batchLines, type DeviceOp } from './argv.ts';
import { FakeKernel } from './fake.ts';
import { createHostKernel } from './host.ts';
import type { Kernel, ReadScope } from './kernel.ts';
import { canMake, canUnshare, createNamespace } from './namespace.fixture.ts';

/** A host with an uplink eth0 that has 192.168.7.1/24, and what other programs on it do. */
interface Bench extends AsyncDisposable {
  readonly kernel: Kernel;
  /** The same for a process that has no rights in it. */
  readonly barred: Kernel;
  set(entry: NetEntry, replaces?: NetEntry): Promise<void>;
  drop(entry: NetEntry): Promise<void>;
}

const signal = AbortSignal.timeout(60_000);
const dev = 'flannel.1';
const scope: ReadScope = {
  families: [4],
  devices: [dev],
  sysctls: ['net/ipv4/ip_forward', `net/ipv6/conf/${dev}/accept_ra`],
};

const tunnel: VxlanTunnel = {
  type: 'vxlan',
  vni: 1,
  port: 8472,
  uplink: 'eth0',
  local: '192.168.7.1',
  learning: false,
  gbp: false,
};
const link: LinkEntry = { kind: 'link', name: dev, mac: '02:00:00:00:00:01', mtu: 1450, up: true, tunnel };
const ipip: IpipTunnel = { type: 'ipip', local: '192.168.7.1', remote: 'any', pmtudisc: false };
const ipipLink: LinkEntry = {
  kind: 'link',
  name: 'flannel.ipip',
  mac: '',
  mtu: 1480,
  up: true,
  tunnel: ipip,
};
const address: NetEntry = { kind: 'address', dev, address: '10.5.1.0/32' };
const peer = (n: number): [NetEntry, NetEntry, NetEntry] => {
  const base = `10.${5 + (n >> 8)}.${n & 255}.0`;
  const mac = `02:00:00:00:${hex(n >> 8)}:${hex(n & 255)}`;
  return [
    { kind: 'neighbour', dev, ip: base, mac },
    { kind: 'fdb', dev, mac, dst: `192.168.7.${(n % 200) + 2}` },
    route(`${base}/24`, base),
  ];
};
const hex = (n: number) => n.toString(16).padStart(2, '0');
const route = (to: string, via: string | undefined, rest: Partial<RouteEntry> = {}): RouteEntry => ({
  kind: 'route',
  to,
  via,
  dev,
  onlink: true,
  metric: 0,
  protocol: 'boot',
  ...rest,
});
const onUplink = (to: string, via: string) => route(to, via, { dev: 'eth0', onlink: false });
const put = (entry: NetEntry, replaces?: NetEntry): Op => ({ verb: 'put', entry, replaces });
const remove = (entry: NetEntry): Op => ({ verb: 'remove', entry });

describe('fake', () => {
  promises(fakeBench);
  ipipPromises(fakeBench);
});
describe.skipIf(!(await canUnshare()))('host', () => promises(realBench));
const hasIpip = await canMake('type ipip local 192.0.2.1');
describe.skipIf(!hasIpip)(`host${hasIpip ? '' : ' skipped: this kernel has no ipip (modprobe ipip)'}`, () =>
  ipipPromises(realBench),
);

function promises(start: () => Promise<Bench>): void {
  let bench: Bench;
  let kernel: Kernel;
  beforeEach(async () => {
    bench = await start();
    kernel = bench.kernel;
  });
  afterEach(() => bench?.[Symbol.asyncDispose]());

  const read = () => kernel.read(scope, signal);
  /** Only what is on our device, or leads into the overlay. */
  const ours = async () =>
    stateText(
      (await read()).filter(entry => {
        if (entry.kind === 'route') return entry.to.startsWith('10.');
        return entry.kind === 'link' ? entry.name === dev : 'dev' in entry && entry.dev === dev;
      }),
    );

  test('the uplink, its address and its route are read', async () => {
    const state = await read();
    expect(state).toContainEqual(
      expect.objectContaining({ kind: 'link', name: 'eth0', mtu: 1500, up: true }),
    );
    expect(state).toContainEqual({ kind: 'address', dev: 'eth0', address: '192.168.7.1/24' });
    expect(stateText(state)).toContain('route 192.168.7.0/24 dev eth0\n');
  });

  test('a device and everything on it is put in one go, and reads back as it was wanted', async () => {
    const wanted = [link, address, ...peer(2), ...peer(3)];
    expect(
      await kernel.apply(
        wanted.map(entry => put(entry)),
        signal,
      ),
    ).toEqual([]);
    expect(await ours()).toBe(stateText(wanted));
    expect(diff(wanted, await read(), () => true).ops.filter(({ verb }) => verb === 'put')).toEqual([]);
  });

  test('putting what is there and removing what is not are no failures', async () => {
    const wanted = [link, address, ...peer(2)];
    await kernel.apply(
      wanted.map(entry => put(entry)),
      signal,
    );
    const again = [...wanted.map(entry => put(entry, entry)), ...peer(9).map(remove)];
    expect(await kernel.apply(again, signal)).toEqual([]);
    expect(await ours()).toBe(stateText(wanted));
  });

  test('a blackhole of either family stands behind the route of a device to the same subnet', async () => {
    const both: ReadScope = { families: [4, 6], devices: [], sysctls: [] };
    const subnets = { 4: parseCidr('10.5.1.0/24'), 6: parseCidr('fd00:5:0:1::/64') };
    const wanted = blackholes(subnets);
    const there = async () =>
      (await kernel.read(both, signal)).filter(entry => entry.kind === 'route' && entry.blackhole);
    expect(
      await kernel.apply(
        wanted.map(entry => put(entry)),
        signal,
      ),
    ).toEqual([]);
    expect(stateText(await there())).toBe(
      'route blackhole 10.5.1.0/24 metric 4294967295\nroute blackhole fd00:5:0:1::/64 metric 4294967295\n',
    );
    expect(diff(wanted, await there(), () => true).ops).toEqual([]);
    await bench.set({ kind: 'address', dev: 'eth0', address: '10.5.1.1/24' });
    expect(await kernel.pathTo('10.5.1.2', signal)).toMatchObject({ dev: 'eth0' });
    expect(await kernel.apply(wanted.map(remove), signal)).toEqual([]);
    expect(await there()).toEqual([]);
  });

  test('IPv6 goes the same way, on a device of its own', async () => {
    const dev6 = 'flannel-v6.1';
    const wanted: NetEntry[] = [
      {
        ...link,
        name: dev6,
        mac: '02:00:00:00:06:01',
        mtu: 1430,
        tunnel: { ...tunnel, local: 'fd00:7::1' },
      },
      { kind: 'address', dev: dev6, address: 'fd00:5:0:1::/128' },
      { kind: 'neighbour', dev: dev6, ip: 'fd00:5:0:2::', mac: '02:00:00:00:06:02' },
      { kind: 'fdb', dev: dev6, mac: '02:00:00:00:06:02', dst: 'fd00:7::2' },
      route('fd00:5:0:2::/64', 'fd00:5:0:2::', { dev: dev6, metric: 1024 }),
    ];
    const both: ReadScope = { families: [4, 6], devices: [dev6], sysctls: [] };
    const state = async () =>
      (await kernel.read(both, signal)).filter(
        entry => (entry.kind === 'link' ? entry.name : 'dev' in entry && entry.dev) === dev6,
      );
    expect(
      await kernel.apply(
        wanted.map(entry => put(entry)),
        signal,
      ),
    ).toEqual([]);
    const added = (entry: NetEntry) => !(entry.kind === 'route' && entry.protocol === 'kernel');
    expect(stateText((await state()).filter(added))).toBe(stateText(wanted));
    expect(await kernel.apply(wanted.map(remove).reverse(), signal)).toEqual([]);
    expect(await state()).toEqual([]);
  });

  test('the way to an address names device and source; nowhere is nowhere', async () => {
    expect(await kernel.pathTo('192.168.7.9', signal)).toEqual({ dev: 'eth0', source: '192.168.7.1' });
    expect(await kernel.pathTo('203.0.113.1', signal)).toBeUndefined();
  });

  test('a removal takes away exactly what it names', async () => {
    await kernel.apply(
      [link, address, ...peer(2), ...peer(3)].map(entry => put(entry)),
      signal,
    );
    expect(await kernel.apply(peer(2).reverse().map(remove), signal)).toEqual([]);
    expect(await ours()).toBe(stateText([link, address, ...peer(3)]));
  });

  test('one that fails is named with its reason, and stops no other', async () => {
    const unreachable = onUplink('10.5.9.0/24', '172.16.0.1');
    const nowhere: NetEntry = { kind: 'fdb', dev: 'flannel.9', mac: '02:00:00:00:00:09', dst: '192.168.7.9' };
    const ops = [link, address, ...peer(2), unreachable, nowhere, ...peer(3)].map(entry => put(entry));
    const failures = await kernel.apply(ops, signal);
    expect(new Set(failures.map(({ op }) => op.entry))).toEqual(new Set([nowhere, unreachable]));
    expect(failures.find(({ op }) => op.entry === unreachable)?.reason).toMatch(/invalid gateway/);
    expect(failures.find(({ op }) => op.entry === nowhere)?.reason).toMatch(/Cannot find device/);
    expect(await ours()).toBe(stateText([link, address, ...peer(2), ...peer(3)]));
  });

  test('MTU and learning change in place; what stands on the device stays', async () => {
    await kernel.apply(
      [link, address, ...peer(2)].map(entry => put(entry)),
      signal,
    );
    const changed = {
      ...link,
      mtu: 1400,
      tunnel: { ...tunnel, learning: true },
    };
    expect(await kernel.apply([put(changed, link)], signal)).toEqual([]);
    expect(await ours()).toBe(stateText([changed, address, ...peer(2)]));
  });

  test('a MAC changes in place and takes the neighbours of the device with it, nothing else', async () => {
    const [neighbour, ...others] = peer(2);
    await kernel.apply(
      [link, address, neighbour, ...others].map(entry => put(entry)),
      signal,
    );
    const changed = { ...link, mac: '02:00:00:00:00:77' };
    expect(await kernel.apply([put(changed, link)], signal)).toEqual([]);
    expect(await ours()).toBe(stateText([changed, address, ...others]));
  });

  test('a device of another VNI, port or type is replaced', async () => {
    const other = { ...link, tunnel: { ...tunnel, port: 4789 } };
    await kernel.apply([put(other), put(address)], signal);
    expect(await kernel.apply([put(link, other)], signal)).toEqual([]);
    expect(await ours()).toBe(stateText([link]));
  });

  test('a route through the uplink replaces one through another gateway', async () => {
    const wrong = onUplink('10.5.3.0/24', '192.168.7.254');
    const right = onUplink('10.5.3.0/24', '192.168.7.3');
    await bench.set(wrong);
    expect(await kernel.apply([put(right, wrong)], signal)).toEqual([]);
    expect(await ours()).toBe(stateText([right]));
  });

  test('a device that is removed or set down takes its routes with it', async () => {
    await kernel.apply(
      [link, address, ...peer(2)].map(entry => put(entry)),
      signal,
    );
    await bench.set({ ...link, up: false }, link);
    expect(await ours()).not.toContain('route');
    expect(await kernel.apply([put(link, { ...link, up: false }), put(peer(2)[2])], signal)).toEqual([]);
    await bench.drop(link);
    expect(await ours()).toBe('');
  });

  test('a route that moves off a device stays when the device is removed in the same go', async () => {
    const [neighbour, forward, through] = peer(3);
    await kernel.apply(
      [link, address, neighbour, forward, through].map(entry => put(entry)),
      signal,
    );
    const moved = onUplink('10.5.3.0/24', '192.168.7.3');
    expect(await kernel.apply([put(moved, through), remove(link)], signal)).toEqual([]);
    expect(await ours()).toBe(stateText([moved]));
  });

  test('says whether the network may be changed, and changes nothing to find out', async () => {
    const before = stateText(await read());
    expect(await kernel.mayChange(signal)).toBe(true);
    expect(await bench.barred.mayChange(signal)).toBe(false);
    expect(stateText(await read())).toBe(before);
  });

  test('settings are read and put', async () => {
    const forward: NetEntry = { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' };
    expect(await read()).toContainEqual({ ...forward, value: '0' });
    expect(await kernel.apply([put(forward)], signal)).toEqual([]);
    expect(await read()).toContainEqual(forward);
  });

  test('a thousand peers are put and removed as a whole', async () => {
    const peers = Array.from({ length: 1000 }, (_, n) => peer(n + 2)).flat();
    const wanted = [link, address, ...peers];
    expect(
      await kernel.apply(
        wanted.map(entry => put(entry)),
        signal,
      ),
    ).toEqual([]);
    expect(await ours()).toBe(stateText(wanted));
    const { ops } = diff([link, address], await read(), entry => 'dev' in entry && entry.dev === dev);
    expect(await kernel.apply(ops, signal)).toEqual([]);
    expect(await ours()).toBe(stateText([link, address]));
  });

  test('every change by others is heard', async () => {
    await kernel.apply(
      [link, address, ...peer(2)].map(entry => put(entry)),
      signal,
    );
    const stop = new AbortController();
    let heard = 0;
    const pump = (async () => {
      for await (const _ of kernel.changes(scope, stop.signal)) heard++;
    })();
    // Listening starts some time after it was asked for.
    const probe = onUplink('10.77.0.0/24', '192.168.7.9');
    await until(
      async () => {
        await bench.set(probe);
        await bench.drop(probe);
        return heard > 0 ? true : undefined;
      },
      { what: 'the first change', timeout: 5000 },
    );
    for (const entry of [link, address, ...peer(2)].reverse()) {
      heard = 0;
      await bench.drop(entry);
      await until(async () => (heard > 0 ? true : undefined), {
        what: `the loss of ${entry.kind}`,
        timeout: 5000,
      });
    }
    stop.abort();
    await pump;
  });
}

function ipipPromises(start: () => Promise<Bench>): void {
  let bench: Bench;
  beforeEach(async () => {
    bench = await start();
  });
  afterEach(() => bench?.[Symbol.asyncDispose]());

  const dev = ipipLink.name;
  const peerRoute = route('10.5.2.0/24', '192.168.7.2', { dev });
  const wanted = [ipipLink, { kind: 'address', dev, address: '10.5.1.0/32' } as const, peerRoute];
  const puts = (state: NetState) => state.map(entry => put(entry));
  const state = async () =>
    (await bench.kernel.read({ families: [4], devices: [dev], sysctls: [] }, signal)).filter(
      entry => (entry.kind === 'link' ? entry.name : 'dev' in entry && entry.dev) === dev,
    );

  test('an ipip device and its routes are put, read back as they were wanted, and removed', async () => {
    expect(await bench.kernel.apply(puts(wanted), signal)).toEqual([]);
    expect(stateText(await state())).toBe(stateText(wanted));
    expect(await bench.kernel.apply([remove(peerRoute), remove(ipipLink)], signal)).toEqual([]);
    expect(await state()).toEqual([]);
  });

  test('one with another local address or a fixed remote is replaced, the MTU changes in place', async () => {
    for (const other of [
      { ...ipip, local: '192.168.7.99' },
      { ...ipip, remote: '192.168.7.9' },
    ]) {
      const wrong = { ...ipipLink, tunnel: other };
      expect(await bench.kernel.apply(puts([wrong, ...wanted.slice(1)]), signal)).toEqual([]);
      expect(await bench.kernel.apply([put(ipipLink, wrong)], signal)).toEqual([]);
      expect(stateText(await state())).toBe(stateText([ipipLink]));
    }
    await bench.kernel.apply(puts(wanted), signal);
    const smaller = { ...ipipLink, mtu: 1400 };
    expect(await bench.kernel.apply([put(smaller, ipipLink)], signal)).toEqual([]);
    expect(stateText(await state())).toBe(stateText([smaller, ...wanted.slice(1)]));
  });
}

const uplink: NetState = [
  { kind: 'link', name: 'eth0', mac: '02:00:00:00:0e:00', mtu: 1500, up: true, tunnel: undefined },
  { kind: 'address', dev: 'eth0', address: '192.168.7.1/24' },
  { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '0' },
];

async function fakeBench(): Promise<Bench> {
  const kernel = new FakeKernel(uplink);
  const barred = new FakeKernel(uplink);
  barred.permitted = false;
  return {
    kernel,
    barred,
    set: async entry => kernel.set(entry),
    drop: async entry => kernel.drop(entry),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** What a person would type. */
function commands(op: Op): readonly string[] {
  const { verb, entry } = op;
  const put = verb === 'put';
  switch (entry.kind) {
    case 'route':
      return [`ip route ${put ? 'replace' : 'del'} ${routeWords(entry)}`];
    case 'neighbour':
      return [
        `ip neighbour ${put ? 'replace' : 'del'} ${entry.ip} dev ${entry.dev}${put ? ` lladdr ${entry.mac} nud permanent` : ''}`,
      ];
    case 'fdb':
      return [
        `bridge fdb ${put ? 'replace' : 'del'} ${entry.mac} dev ${entry.dev} dst ${entry.dst} self${put ? ' permanent' : ''}`,
      ];
    default:
      return batchLines(op as DeviceOp).map(line => `ip ${line}`);
  }
}

async function realBench(): Promise<Bench> {
  const namespace = await createNamespace();
  await namespace.ip('link add eth0 type veth peer name peer0');
  await namespace.ip('address add 192.168.7.1/24 dev eth0');
  for (const name of ['lo', 'peer0', 'eth0']) await namespace.ip(`link set ${name} up`);
  const change = async (op: Op) => {
    for (const line of commands(op)) await namespace.runner.run(line.split(' ') as [string, ...string[]]);
  };
  const without = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'] as const;
  const barred: Runner = { run: (argv, options) => namespace.runner.run([...without, ...argv], options) };
  // Both are of one process, and only trying tells them apart.
  const permission = () => undefined;
  return {
    kernel: createHostKernel({ ...namespace, permission, log: silent }),
    barred: createHostKernel({ ...namespace, runner: barred, permission, log: silent }),
    async set(entry, replaces) {
      if (entry.kind === 'link' && !entry.up) await namespace.ip(`link set dev ${entry.name} down`);
      else await change(put(entry, replaces));
    },
    drop: entry => change(remove(entry)),
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

// What every kernel edge promises of wireguard: one suite for the fake and for wg, with whatever carries packets here.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silent } from '../../lib/log.ts';
import { findProgram } from '../../lib/places.ts';
import { until } from '../../lib/wait.ts';
import { diff, type Op } from '../model/diff.ts';
import type {
  LinkEntry,
  NetEntry,
  NetState,
  WireguardEntry,
  WireguardPeerEntry,
} from '../model/net-state.ts';
import { stateText } from '../model/net-state.ts';
import { Secret } from '../model/secret.ts';
import { keyPairOf, newPrivateKey } from '../model/wireguard-key.ts';
import { FakeKernel } from './fake.ts';
import { createHostKernel } from './host.ts';
import type { Kernel } from './kernel.ts';
import { canMake, canUnshare, createNamespace } from './namespace.fixture.ts';

interface Bench extends AsyncDisposable {
  readonly kernel: Kernel;
  /** Takes the device away, as another program or the end of wireguard-go does. */
  loseDevice(): Promise<void>;
  /** Ends it as a killed daemon does, with what carries packets for it, and gives that of the next one. */
  crash(): Promise<Kernel>;
  /** As packets of a peer that come from elsewhere do. */
  roam(entry: WireguardPeerEntry): Promise<void>;
}

const dev = 'flannel-wg';
const scope = { families: [4, 6], devices: [dev], sysctls: [] } as const;
const newKeys = () => keyPairOf(newPrivateKey()) ?? expect.unreachable();
const link: LinkEntry = {
  kind: 'link',
  name: dev,
  mac: '',
  mtu: 1420,
  up: true,
  tunnel: { type: 'wireguard' },
};
const settings = (): WireguardEntry => ({ kind: 'wireguard', dev, port: 51_820, ...newKeys() });
const peer = (n: number, rest: Partial<WireguardPeerEntry> = {}): WireguardPeerEntry => ({
  kind: 'wireguard-peer',
  dev,
  publicKey: newKeys().publicKey,
  endpoint: `192.168.7.${n}:51820`,
  allowedIps: [`10.5.${n}.0/24`],
  keepalive: 0,
  psk: undefined,
  ...rest,
});
const put = (entry: NetEntry, replaces?: NetEntry): Op => ({ verb: 'put', entry, replaces });
const puts = (state: NetState) => state.map(entry => put(entry));
const remove = (entry: NetEntry): Op => ({ verb: 'remove', entry });

describe('fake', () => promises(fakeBench));

const lacking = await whatIsLacking();
describe.skipIf(lacking)(`wg${lacking ? ` skipped: ${lacking}` : ''}`, () => promises(realBench));

async function whatIsLacking(): Promise<string | undefined> {
  if (!(await canUnshare())) return 'no namespaces can be made';
  if (!findProgram('wg')) return 'wg is not installed (apt-get install wireguard-tools)';
  if (findProgram('wireguard-go') || (await canMake('type wireguard'))) return undefined;
  return 'neither the kernel nor wireguard-go is there (apt-get install wireguard-go)';
}

function promises(start: () => Promise<Bench>): void {
  const signal = AbortSignal.timeout(60_000);
  let bench: Bench;
  beforeEach(async () => {
    bench = await start();
  });
  afterEach(() => bench?.[Symbol.asyncDispose]());

  const ours = async (): Promise<NetState> =>
    (await bench.kernel.read(scope, signal)).filter(
      entry =>
        (entry.kind === 'link' && entry.name === dev) ||
        ((entry.kind === 'wireguard' || entry.kind === 'wireguard-peer') && entry.dev === dev),
    );
  const settled = async (wanted: NetState) => {
    expect(stateText(await ours())).toBe(stateText(wanted));
    expect(diff(wanted, await ours(), () => true).ops).toEqual([]);
  };

  test('device, key, port and peers are put in one go, and read back as they were wanted', async () => {
    const psk = new Secret(newPrivateKey());
    const wanted = [
      link,
      settings(),
      peer(2),
      peer(3, { keepalive: 25, psk }),
      peer(4, { endpoint: '[fd00:7::4]:51999', allowedIps: ['10.5.4.0/24', 'fd00:5:0:4::/64'] }),
    ];
    expect(await bench.kernel.apply(puts(wanted), signal)).toEqual([]);
    await settled(wanted);
  });

  test('a peer is changed in whatever it is, and removed alone; one that is not there need not be', async () => {
    const [own, two, three] = [settings(), peer(2, { keepalive: 25 }), peer(3)];
    await bench.kernel.apply(puts([link, own, two, three]), signal);
    const changed = {
      ...two,
      endpoint: '192.168.7.22:52000',
      allowedIps: ['10.5.22.0/24'],
      keepalive: 0,
      psk: new Secret(newPrivateKey()),
    };
    expect(await bench.kernel.apply([put(changed, two), remove(three), remove(peer(9))], signal)).toEqual([]);
    await settled([link, own, changed]);
    const open = { ...changed, psk: undefined };
    expect(await bench.kernel.apply([put(open, changed)], signal)).toEqual([]);
    await settled([link, own, open]);
  });

  test('a prefix goes over to a new key with all that is sent there, before the old one is removed', async () => {
    const [own, before] = [settings(), peer(2)];
    await bench.kernel.apply(puts([link, own, before]), signal);
    const after = peer(2);
    expect(await bench.kernel.apply(puts([after]), signal)).toEqual([]);
    await settled([link, own, { ...before, allowedIps: [] }, after]);
    expect(await bench.kernel.apply([remove(before)], signal)).toEqual([]);
    await settled([link, own, after]);
  });

  test('key and port change on the device that is there, and its peers stay', async () => {
    const [own, two] = [settings(), peer(2)];
    await bench.kernel.apply(puts([link, own, two]), signal);
    const other = { ...settings(), port: 51_999 };
    expect(await bench.kernel.apply([put(other, own), put({ ...link, mtu: 1380 }, link)], signal)).toEqual(
      [],
    );
    await settled([{ ...link, mtu: 1380 }, other, two]);
  });

  test('where a peer has roamed to is left to the device', async () => {
    const [own, two] = [settings(), peer(2)];
    await bench.kernel.apply(puts([link, own, two]), signal);
    await bench.roam(two);
    await settled([link, own, two]);
  });

  test('a device that is lost takes all with it, and can be made again', async () => {
    const wanted = [link, settings(), peer(2)];
    await bench.kernel.apply(puts(wanted), signal);
    await bench.loseDevice();
    await until(async () => ((await ours()).length === 0 ? true : undefined), {
      what: 'the loss of the device',
      timeout: 5000,
    });
    expect(await bench.kernel.apply(puts(wanted), signal)).toEqual([]);
    await settled(wanted);
  });

  test('the next run of a daemon that was killed has it again', async () => {
    const wanted = [link, settings(), peer(2)];
    await bench.kernel.apply(puts(wanted), signal);
    const next = await bench.crash();
    expect(await next.apply(puts(wanted), signal)).toEqual([]);
    await settled(wanted);
  });

  test('a port that somebody else listens on is named, without a key', async () => {
    const own = settings();
    const failures = await bench.kernel.apply(puts([link, { ...own, port: 5353 }]), signal);
    expect(failures).toMatchObject([{ reason: expect.stringMatching(/in use/) }]);
    expect(JSON.stringify(failures)).not.toContain(own.privateKey?.reveal());
  });

  test('hundreds of peers are put and removed as a whole', async () => {
    const own = settings();
    const peers = Array.from({ length: 300 }, (_, n) =>
      peer(2, { allowedIps: [`10.${6 + (n >> 8)}.${n & 255}.0/24`] }),
    );
    expect(await bench.kernel.apply(puts([link, own, ...peers]), signal)).toEqual([]);
    await settled([link, own, ...peers]);
    expect(await bench.kernel.apply(peers.map(remove), signal)).toEqual([]);
    await settled([link, own]);
  });
}

async function fakeBench(): Promise<Bench> {
  const kernel = new FakeKernel();
  kernel.refuse = ({ entry }) =>
    entry.kind === 'wireguard' && entry.port === 5353 ? 'Address already in use' : undefined;
  return {
    kernel,
    loseDevice: async () => kernel.drop(link),
    async crash() {
      kernel.drop(link);
      return kernel;
    },
    roam: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

async function realBench(): Promise<Bench> {
  const namespace = await createNamespace();
  const { runner, ip } = namespace;
  // Sockets of wireguard-go are named after the device alone.
  await runner.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run']);
  for (const words of ['link add eth0 type dummy', 'link set lo up'])
    await ip(words).catch(() => ip('link add eth0 type veth peer name peer0'));
  await ip('address add 192.168.7.1/24 dev eth0');
  await ip('link set eth0 up');
  const life = new AbortController();
  const listener = namespace.lines(
    [
      process.execPath,
      '-e',
      "require('dgram').createSocket('udp4').bind(5353, () => require('fs').writeSync(1, 'bound\\n'))",
    ],
    life.signal,
  );
  const listening = listener[Symbol.asyncIterator]();
  await listening.next();
  const runOf = (run: AbortController): Kernel => {
    const kernel = createHostKernel({ ...namespace, permission: () => undefined, log: silent });
    const ended = AbortSignal.any([run.signal, life.signal]);
    return { ...kernel, apply: (ops, signal) => kernel.apply(ops, AbortSignal.any([signal, ended])) };
  };
  const first = new AbortController();
  return {
    kernel: runOf(first),
    async crash() {
      first.abort();
      const isGone = async () =>
        (await runner.run(['ip', 'link', 'show', 'dev', dev], { okCodes: [0, 1] })).code === 1 || undefined;
      await until(isGone, { what: 'the loss of the device', timeout: 5000 });
      return runOf(new AbortController());
    },
    loseDevice: () => ip(`link del ${dev}`),
    async roam({ publicKey }) {
      await runner.run(['wg', 'set', dev, 'peer', publicKey, 'endpoint', '192.168.7.77:4444']);
    },
    async [Symbol.asyncDispose]() {
      life.abort();
      await listening.next().catch(() => {});
      await namespace[Symbol.asyncDispose]();
    },
  };
}

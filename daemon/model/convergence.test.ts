// State decides, not the way to it: any order of lease events that ends in the same leases ends in the same kernel.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Family, parseCidr } from '../../lib/ip.ts';
import type { Backend, Self } from '../backends/backend.ts';
import { chooseBackend } from '../backends/index.ts';
import { FakeKernel } from '../kernel/fake.ts';
import type { LeaseEvent } from '../store/lease-store.ts';
import { leftovers } from './diff.ts';
import type { Lease } from './lease.ts';
import { encodeKey } from './lease-codec.ts';
import { emptyView, fold, type LeaseView } from './lease-view.ts';
import type { NetEntry } from './net-state.ts';
import { familiesOf, parseNetworkConfig } from './network-config.ts';
import { type Peer, peerSelector, type Selection } from './peers.ts';
import { Reading } from './reading.ts';
import { underlayOf } from './underlay.ts';
import { keyPairOf } from './wireguard-key.ts';

const signal = AbortSignal.timeout(60_000);
const subnets = {
  4: parseCidr('10.5.1.0/24') ?? expect.unreachable(),
  6: parseCidr('fd00:5:0:1::/64') ?? expect.unreachable(),
};
/** Any text makes one. */
const keyOf = (text: string) => createHash('sha256').update(text).digest('base64');
const self: Self = {
  uplink: { name: 'eth0', ips: { 4: '192.168.7.1', 6: 'fd00:7::1' }, mtu: 1500 },
  publicIps: { 4: '192.168.7.1', 6: 'fd00:7::1' },
  tunnelIps: { 4: '192.168.7.1', 6: 'fd00:7::1' },
  macs: { 4: '02:00:00:00:00:01', 6: '02:00:00:00:06:01' },
  networks: ['10.5.0.0/16', 'fd00:5::/48'].map(text => parseCidr(text) ?? expect.unreachable()),
  tun: 'flannel0',
  announced: undefined,
  keys: keyPairOf(keyOf('0')),
};

interface Setting {
  readonly backend: Backend;
  readonly enabled: readonly Family[];
}

function settingOf(document: object): Setting {
  const network = { Network: '10.5.0.0/16', IPv6Network: 'fd00:5::/48' };
  const parsed = parseNetworkConfig(JSON.stringify({ ...network, ...document }));
  if ('problems' in parsed) return expect.unreachable();
  const chosen = chooseBackend(parsed.config);
  return 'backend' in chosen
    ? { backend: chosen.backend, enabled: familiesOf(parsed.config) }
    : expect.unreachable();
}

function host(): FakeKernel {
  return new FakeKernel([
    { kind: 'link', name: 'eth0', mac: '02:00:00:00:0e:01', mtu: 1500, up: true, tunnel: undefined },
    { kind: 'address', dev: 'eth0', address: '192.168.7.1/24' },
    { kind: 'address', dev: 'eth0', address: 'fd00:7::1/64' },
    {
      kind: 'route',
      to: '0.0.0.0/0',
      via: '192.168.7.254',
      dev: 'eth0',
      onlink: false,
      metric: 0,
      protocol: 'boot',
    },
  ]);
}

/** A host that is kept as the daemon keeps it: read when something failed or was made anew, else gone by what is known. */
class Kept {
  readonly kernel = host();
  readonly #setting: Setting;
  readonly #select: (leases: readonly Lease[]) => Selection;
  #reading: Reading | undefined;

  constructor(setting: Setting) {
    const { backend, enabled } = setting;
    this.#setting = setting;
    const objection = (peer: Peer) => backend.objection(peer, self);
    this.#select = peerSelector({ objection, terms: backend.terms(self), subnets, enabled });
  }

  /** Brings the kernel to what the leases ask for. */
  async follow(view: LeaseView): Promise<void> {
    for (let pass = 0; pass < 3; pass++) if (await this.#pass(view)) return;
  }

  async #pass(view: LeaseView): Promise<boolean> {
    const { backend, enabled } = this.#setting;
    const scope = { families: enabled, devices: backend.devices, sysctls: [] };
    const reading = this.#reading ?? new Reading(await this.kernel.read(scope, signal));
    this.#reading = undefined;
    const { peers } = this.#select(view);
    const wanted = backend.desired({ self, subnets, peers, underlay: underlayOf(() => reading.state) });
    const isOurs = (entry: NetEntry) => backend.isOurs(entry, self);
    const { ops } = reading.compare(wanted, isOurs);
    const failed = (await this.kernel.apply(ops, signal)).map(({ op }) => op);
    await this.kernel.apply(leftovers(failed, isOurs), signal);
    if (failed.length === 0 && !ops.some(({ entry }) => entry.kind === 'link')) {
      reading.settle(ops);
      this.#reading = reading;
    }
    return ops.length === 0;
  }
}

// Few subnets, addresses and MACs, so that events meet.
const third = fc.integer({ min: 1, max: 6 });
const lease: fc.Arbitrary<Lease> = fc
  .record({
    third,
    length: fc.constantFrom(24, 24, 24, 25, 0),
    host: fc.integer({ min: 0, max: 6 }),
    onLink: fc.boolean(),
    mac: fc.constantFrom('02:00:00:00:00:0a', '02:00:00:00:00:0B', '02:00:00:00:00:0c', 'nonsense'),
    backendType: fc.constantFrom('vxlan', 'vxlan', 'wireguard', 'host-gw', 'ipip', ''),
    six: fc.boolean(),
    revision: fc.nat(),
  })
  .map(({ third: part, length, host: n, onLink, mac, backendType, six, revision }) => {
    const at = {
      4: length === 0 ? undefined : parseCidr(`10.5.${part}.0/${length}`),
      6: six || length === 0 ? parseCidr(`fd00:5:0:${part}::/64`) : undefined,
    };
    const key = mac === 'nonsense' ? mac : keyOf(mac);
    const data = { VNI: 1, VtepMAC: mac, PublicKey: key, Port: 51_820 };
    return {
      key: encodeKey(at),
      subnets: at,
      publicIps:
        n === 0
          ? {}
          : { 4: `${onLink ? '192.168.7' : '172.16.0'}.${n}`, 6: `${onLink ? 'fd00:7' : 'fd00:8'}::${n}` },
      backendType,
      backendData: { 4: data, 6: data },
      revision,
      created: 1,
      grant: '1',
    };
  });
const event: fc.Arbitrary<LeaseEvent> = fc.oneof(
  { weight: 5, arbitrary: lease.map(one => ({ kind: 'put', lease: one }) as const) },
  {
    weight: 3,
    arbitrary: third.map(
      part =>
        ({
          kind: 'gone',
          key: part % 2 ? `10.5.${part}.0-24` : `10.5.${part}.0-24&fd00:5:0:${part}::-64`,
        }) as const,
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(lease, { selector: ({ key }) => key, maxLength: 5 })
      .map(leases => ({ kind: 'snapshot', leases, unreadable: [] }) as const),
  },
);

test.each([
  ['vxlan', { Backend: { Type: 'vxlan' } }],
  ['vxlan with direct routing', { Backend: { Type: 'vxlan', DirectRouting: true } }],
  ['vxlan, both families', { EnableIPv6: true, Backend: { Type: 'vxlan', DirectRouting: true } }],
  ['vxlan, IPv6 alone', { EnableIPv4: false, EnableIPv6: true, Backend: { Type: 'vxlan' } }],
  ['wireguard', { Backend: { Type: 'wireguard' } }],
  ['wireguard, a device for each family', { EnableIPv6: true, Backend: { Type: 'wireguard' } }],
  ['wireguard, one for both', { EnableIPv6: true, Backend: { Type: 'wireguard', Mode: 'auto' } }],
  ['host-gw', { Backend: { Type: 'host-gw' } }],
  ['host-gw, both families', { EnableIPv6: true, Backend: { Type: 'host-gw' } }],
  ['ipip', { Backend: { Type: 'ipip' } }],
  ['ipip with direct routing', { Backend: { Type: 'ipip', DirectRouting: true } }],
])('%s', async (_name, document) => {
  const setting = settingOf(document);
  const steps = fc.array(fc.tuple(event, fc.boolean()), { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(steps, async events => {
      const lived = new Kept(setting);
      let view = emptyView;
      for (const [one, looked] of events) {
        view = fold(view, one);
        if (looked) await lived.follow(view);
      }
      await lived.follow(view);
      const fresh = new Kept(setting);
      await fresh.follow(view);
      expect(lived.kernel.text()).toBe(fresh.kernel.text());
    }),
    { numRuns: 300 },
  );
});

// Daemons that are broken on purpose, each in one way, and the scenario that must notice.
import type { Patch } from './mutation.ts';

/** A scenario on netns, with its name up to where it is computed. */
export interface ScenarioName {
  readonly file: string;
  readonly test: string;
  /** Default vxlan. */
  readonly backend?: string;
  /** The block around it, where there are several. */
  readonly group?: string;
}

export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly caughtBy: ScenarioName;
  /** In the message of the failure: that it is this fault which was noticed, and no other. */
  readonly says: RegExp;
}

const connectivity: ScenarioName = {
  file: 'scenarios/connectivity.scenario.ts',
  test: 'subnets are unique, docker0 carries them, and containers reach each other both ways',
};
const vxlan = 'daemon/backends/vxlan.ts';
const view = 'daemon/model/lease-view.ts';
const etcd3 = 'daemon/store/etcd3-store.ts';

export const mutants: readonly Mutant[] = [
  {
    name: 'forgets-fdb',
    patches: [{ module: vxlan, find: "{ kind: 'fdb', dev, mac, dst: publicIp },", replace: '' }],
    caughtBy: connectivity,
    says: /6 of 6 pairs are not as expected[\s\S]*no FDB entry/,
  },
  {
    name: 'publishes-a-mac-in-another-order',
    patches: [
      {
        module: vxlan,
        find: "VtepMAC: macs[family] ?? ''",
        replace: "VtepMAC: (macs[family] ?? '').replace(/:(..):(..):(..)$/, ':$2:$3:$1')",
      },
    ],
    caughtBy: connectivity,
    says: /6 of 6 pairs are not as expected/,
  },
  {
    name: 'masquerades-between-containers',
    patches: [
      {
        module: 'daemon/model/rules.ts',
        find: "{ from: here, to: inside, verdict: 'return' },",
        replace: '',
      },
    ],
    caughtBy: connectivity,
    says: /rewritten </,
  },
  {
    name: 'ignores-removals',
    patches: [{ module: view, find: 'return replaced(view, event.key, []);', replace: 'return view;' }],
    caughtBy: {
      file: 'scenarios/membership.scenario.ts',
      test: 'a node that leaves disappears from the routes of all others',
    },
    says: /still has the route/,
  },
  {
    name: 'mtu-off-by-one',
    patches: [
      {
        module: vxlan,
        find: 'mtu: uplink => Math.min(...enabled.map(family => mtu(family, uplink))),',
        replace: 'mtu: uplink => Math.min(...enabled.map(family => mtu(family, uplink))) + 1,',
      },
    ],
    caughtBy: {
      file: 'scenarios/museum/M01-mtu.scenario.ts',
      group: 'underlay 1280',
      test: 'M01: on an underlay with MTU ',
    },
    says: /expected 1231 to be 1230/,
  },
  {
    name: 'never-renews',
    patches: [
      {
        module: 'daemon/model/renewal.ts',
        find: 'const latest = Math.max(1, ttl - margin);',
        replace: 'const latest = Math.max(1, ttl - margin) && Infinity;',
      },
    ],
    caughtBy: { file: 'scenarios/museum/B03-renewal.scenario.ts', test: 'B03, B04, A14: leases are renewed' },
    says: /the lease was never lost/,
  },
  {
    name: 'allocates-without-transaction',
    patches: [
      { module: etcd3, find: 'former ? [absent, this.#unchanged(former)] : [absent]', replace: '[]' },
    ],
    caughtBy: {
      file: 'scenarios/museum/A02-simultaneous-start.scenario.ts',
      test: 'A02: eight daemons at once get eight distinct subnets out of eight',
    },
    says: /no lease in etcd has its public IP|was leased to/,
  },
  {
    name: 'overwrites-the-lease-of-another',
    patches: [
      { module: etcd3, find: 'terms, unless: [this.#unchanged(lease)]', replace: 'terms, unless: []' },
    ],
    caughtBy: {
      file: 'scenarios/museum/B01-overdue-renewal.scenario.ts',
      test: 'B01: a daemon that wakes after its lease ended leaves the new owner alone',
    },
    says: /waiting for the daemon of node1 to end/,
  },
  {
    name: 'ignores-all-but-the-first-event',
    patches: [{ module: etcd3, find: 'of events) {', replace: 'of events.slice(0, 1)) {' }],
    caughtBy: {
      file: 'scenarios/museum/C15-lost-events.scenario.ts',
      test: 'C15: every change counts, in one transaction, side by side, and one after the other',
    },
    says: /10\.5\.10\d\.0/,
  },
  {
    name: 'ignores-changed-leases',
    patches: [
      {
        module: view,
        find: 'return replaced(view, event.lease.key, [event.lease]);',
        replace:
          'return leaseIn(view, event.lease.key) ? view : replaced(view, event.lease.key, [event.lease]);',
      },
    ],
    caughtBy: {
      file: 'scenarios/museum/E05-stale-entries.scenario.ts',
      test: 'E05: a peer with a new device leaves nothing of its former one',
    },
    says: /fdb|neighbour|MAC/i,
  },
  {
    name: 'asks-only-the-first-endpoint',
    patches: [
      {
        module: 'daemon/store/etcd3-client.ts',
        find: 'hosts: [...endpoints],',
        replace: 'hosts: endpoints.slice(0, 1),',
      },
    ],
    caughtBy: {
      file: 'scenarios/etcd-members.scenario.ts',
      test: 'each member of etcd is lost, and another comes in its place, and nobody notices',
    },
    says: /10\.5\.250\.0/,
  },
  {
    name: 'watches-on-from-compacted-history',
    patches: [{ module: 'daemon/store/watch-anew.ts', find: '      first = undefined;\n', replace: '' }],
    caughtBy: {
      file: 'scenarios/museum/C02-compaction.scenario.ts',
      test: 'C02: a daemon cut off during a compaction catches up, and both its watches live on',
    },
    says: /node1/,
  },
  {
    name: 'keeps-stale-routes',
    patches: [
      {
        module: 'daemon/app/node-reconciler.ts',
        find: 'let forwards: NetState = forwardingOf([]);',
        replace: 'let forwards: NetState = forwardingOf([]); let found: Set<string> | undefined;',
      },
      {
        module: 'daemon/app/node-reconciler.ts',
        find: 'const look = (present: NetState): void => {',
        replace: `const look = (present: NetState): void => {
          found ??= new Set(present.flatMap(entry => entry.kind === 'route' ? [entry.to] : []));`,
      },
      {
        module: 'daemon/app/node-reconciler.ts',
        find: 'backend.isOurs(entry, self) ||',
        replace: "backend.isOurs(entry, self) && !(entry.kind === 'route' && found?.has(entry.to)) ||",
      },
    ],
    caughtBy: {
      file: 'scenarios/museum/F01-stale-peers.scenario.ts',
      test: 'F01: what is left of a peer goes at the next start, and what is not ours stays',
    },
    says: /route/,
  },
  {
    name: 'never-heals-a-deleted-device',
    patches: [
      {
        module: 'daemon/app/reconcile.ts',
        find: 'for await (const _ of changes) pending ??= setTimeout(look, this.#pause());',
        replace: 'for await (const _ of changes);',
      },
      { module: 'daemon/app/reconcile.ts', find: 'resync = 30_000 }', replace: 'resync = 2e9 }' },
    ],
    caughtBy: {
      file: 'scenarios/museum/E01-damaged-device.scenario.ts',
      test: 'E01, F04: the device and all that stands on it come back, whatever is taken away',
    },
    says: /flannel\.1/,
  },
  {
    name: 'does-not-restore-flushed-rules',
    patches: [
      {
        module: 'daemon/app/keep-rules.ts',
        find: 'await sleep((drifts ? Math.max(resync, driftResync) : resync) * 1000, signal);',
        replace: 'await sleep(2e9 + Number(drifts), signal);',
      },
    ],
    caughtBy: {
      file: 'scenarios/museum/J04-rules-vanish.scenario.ts',
      group: 'iptables',
      test: 'J04: rules that vanish or are overtaken are mended, again and again (',
    },
    says: /J0[134] .*: (expected|promise rejected)/,
  },
  {
    name: 'writes-subnet-env-in-place',
    patches: [
      {
        module: 'daemon/app/files.ts',
        find: 'if (isSpecial(path)) {',
        replace: 'if (isSpecial(path) || path.endsWith("subnet.env")) {',
      },
    ],
    caughtBy: {
      file: 'scenarios/museum/K02-half-written-file.scenario.ts',
      test: 'K02: who reads subnet.env while it is replaced reads one of the two, whole',
    },
    says: /FLANNEL_/,
  },
  {
    name: 'ends-with-0-when-it-fails',
    patches: [
      {
        module: 'daemon/main.ts',
        find: 'return error instanceof UsageError ? 2 : 1;',
        replace: 'return error instanceof UsageError ? 2 : 0;',
      },
    ],
    caughtBy: {
      file: 'scenarios/museum/B02-own-lease-lost.scenario.ts',
      test: 'B02: a daemon whose subnet somebody takes ends with an error',
    },
    says: /expected \+?0 not to be/,
  },
  {
    name: 'takes-no-hops-in-udp',
    patches: [
      {
        module: 'daemon/udp/outbound.ts',
        find: 'if (!takeHop(memory, at, family)) {',
        replace: 'if (family === 4 && takeHop === undefined) {',
      },
    ],
    caughtBy: {
      file: 'scenarios/museum/H08-ttl-and-icmp.scenario.ts',
      test: 'H08: each hop through the overlay tells when a packet may go no further',
      backend: 'udp',
    },
    says: /Time to live exceeded/,
  },
];

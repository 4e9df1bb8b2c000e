// The steady life of a node: lease held, kernel reconciled, rules in place, until the signal or a lost lease ends it.

import { Bell } from '../../lib/bell.ts';
import { describeError, UserError } from '../../lib/errors.ts';
import type { Cidr4 } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import type { Backend, Self } from '../backends/backend.ts';
import type { Firewall } from '../kernel/firewall.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { diff } from '../model/diff.ts';
import { emptyView, fold, type LeaseView } from '../model/lease-view.ts';
import type { NetEntry, NetState } from '../model/net-state.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { type Ignored, selectPeers } from '../model/peers.ts';
import { forwardRules, masqueradeRules } from '../model/rules.ts';
import { renderSubnetEnv } from '../model/subnet-env.ts';
import { underlayOf } from '../model/underlay.ts';
import type { Options } from '../options.ts';
import type { LeaseStore } from '../store/lease-store.ts';
import { acquireLease } from './acquire.ts';
import { writeAtomically } from './files.ts';
import { keepLease } from './keep-lease.ts';
import { keepRules } from './keep-rules.ts';
import { Reconciler } from './reconcile.ts';
import { reportChanges } from './report.ts';

export interface Daemon {
  readonly options: Options;
  readonly log: Logger;
  /** Called once, when the host has been asked what it has: connecting can wait that long, and loads much. */
  readonly openStore: () => Promise<LeaseStore>;
  readonly kernel: Kernel;
  readonly firewall: Firewall;
  /** Called once with `READY=1`. */
  readonly notify: (state: string) => Promise<void>;
}

export interface Settlement extends Daemon {
  readonly store: LeaseStore;
  readonly config: NetworkConfig;
  readonly backend: Backend;
  readonly self: Self;
  /** From subnet.env. */
  readonly previous: Cidr4 | undefined;
  /** The host's links, addresses and routes, as read at start. */
  readonly present: NetState;
}

/** Rejects with the signal's reason, or with a UserError when the subnet is lost. */
export async function serve(node: Settlement, signal: AbortSignal): Promise<never> {
  const { options, log, store, config, backend, self } = node;
  const terms = backend.terms(self);
  const known: Known = { subnet: undefined, view: undefined };
  const reconciler = createReconciler(node, known);
  await prepareDevice(node, signal);
  const wishes = {
    store,
    config,
    terms,
    ttl: options.leaseTtl,
    previous: node.previous,
    random: Math.random,
    log,
  };
  const held = await acquireLease(wishes, signal);
  known.subnet = held.lease.subnet;
  writeSubnetFile(node, held.lease.subnet);

  const bell = new Bell();
  const snapshot = Promise.withResolvers<void>();
  const watching = watch(node, known, signal, () => {
    snapshot.resolve();
    reconciler.trigger();
    bell.ring();
  });
  const reconciling = snapshot.promise.then(() => reconciler.run(signal));
  const rules = Promise.withResolvers<void>();
  const ruling = keepRules(
    {
      firewall: node.firewall,
      wanted: ({ randomFully }) => [
        forwardRules(config.network, options.iptablesForwardRules),
        masqueradeRules({
          network: config.network,
          subnet: held.lease.subnet,
          wanted: options.ipMasq,
          randomFully,
        }),
      ],
      resync: options.iptablesResync,
      log,
      attempted: rules.resolve,
    },
    signal,
  );
  const ready = Promise.all([reconciler.settled, rules.promise]).then(() => sendReady(node));
  const keeping = keepLease(
    {
      store,
      terms,
      ttl: options.leaseTtl,
      margin: options.renewMargin,
      random: Math.random,
      now: () => performance.now(),
      log,
      view: () => known.view,
      bell,
    },
    held,
    signal,
  );
  await Promise.all([watching, reconciling, ruling, keeping, ready]);
  return signal.throwIfAborted() as never;
}

/**
 * Makes the backend's device as it should be, going by what was read at start. Nobody may send to a node whose device
 * cannot be made, so the device comes before the lease. Rejects with a UserError.
 */
async function prepareDevice(
  { kernel, backend, self, present, log }: Settlement,
  signal: AbortSignal,
): Promise<void> {
  const wanted = backend
    .desired({ self, subnet: undefined, peers: [], underlay: underlayOf(present) })
    .filter(({ kind }) => kind === 'link');
  const { ops } = diff(wanted, present, () => false);
  if (ops.length === 0) return;
  const [failure] = await kernel.apply(ops, signal);
  if (failure)
    throw new UserError(`cannot set up ${backend.devices.join(', ')}: ${failure.reason}`, {
      hint: 'it takes CAP_NET_ADMIN, a kernel with the module, and no other device with the same VNI and port',
    });
  reportChanges(ops, log);
}

/** What the loops share: written by the watch and the lease, read by the reconciler. */
interface Known {
  subnet: Cidr4 | undefined;
  view: LeaseView | undefined;
}

async function watch(
  { store }: Settlement,
  known: Known,
  signal: AbortSignal,
  changed: () => void,
): Promise<void> {
  for await (const event of store.watch(signal)) {
    known.view = fold(known.view ?? emptyView, event);
    changed();
  }
}

function createReconciler({ kernel, backend, self, log }: Settlement, known: Known): Reconciler {
  const sayIgnored = createIgnoredLog(log);
  const desired = (present: NetState): NetState => {
    const viewpoint = { ...self, ...backend, backendType: backend.type, subnet: known.subnet };
    const { peers, ignored } = selectPeers(known.view?.values() ?? [], viewpoint);
    sayIgnored(ignored);
    return [
      { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' },
      ...backend.desired({ self, subnet: known.subnet, peers, underlay: underlayOf(present) }),
    ];
  };
  const sysctls = desired([]).flatMap(entry => (entry.kind === 'sysctl' ? [entry.path] : []));
  // Until the leases are known, nothing can be told to be stale: a restart disturbs nobody.
  const isOurs = (entry: NetEntry) =>
    known.subnet !== undefined && known.view !== undefined && backend.isOurs(entry, self);
  return new Reconciler({ kernel, scope: { devices: backend.devices, sysctls }, desired, isOurs, log });
}

function createIgnoredLog(log: Settlement['log']): (ignored: readonly Ignored[]) => void {
  let said = new Set<string>();
  return ignored => {
    const now = new Set(ignored.map(({ lease, reason }) => `${lease.key}: ${reason}`));
    for (const text of now) if (!said.has(text)) log.warn(`ignoring the lease ${text}`);
    said = now;
  };
}

function writeSubnetFile({ options, config, backend, self, log }: Settlement, subnet: Cidr4): void {
  const { subnetFile, ipMasq } = options;
  const text = renderSubnetEnv({ network: config.network, subnet, mtu: backend.mtu(self.uplink), ipMasq });
  try {
    writeAtomically(subnetFile, text);
    log.info('subnet file written', { path: subnetFile });
  } catch (cause) {
    throw new UserError(`cannot write the subnet file ${subnetFile}: ${describeError(cause)}`, { cause });
  }
}

async function sendReady({ notify, log }: Settlement): Promise<void> {
  try {
    await notify('READY=1');
  } catch (error) {
    log.error('cannot tell systemd that the daemon is ready', { error: describeError(error) });
  }
  log.info('ready');
}

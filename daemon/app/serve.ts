// The steady life of a node: lease held, kernel reconciled, rules in place, until the signal or a lost lease ends it.
import { Bell } from '../../lib/bell.ts';
import { describeError, UserError } from '../../lib/errors.ts';
import type { Cidr4 } from '../../lib/ip.ts';
import type { Features } from '../kernel/firewall.ts';
import { emptyView, fold } from '../model/lease-view.ts';
import { forwardRules, masqueradeRules } from '../model/rules.ts';
import { renderSubnetEnv } from '../model/subnet-env.ts';
import { acquireLease, type Held } from './acquire.ts';
import { writeAtomically } from './files.ts';
import { keepLease } from './keep-lease.ts';
import { keepRules } from './keep-rules.ts';
import type { Settlement } from './node.ts';
import { createNodeReconciler, type Known } from './node-reconciler.ts';
import { prepareDevice } from './prepare-device.ts';

/** Rejects with the signal's reason, or with a UserError when the subnet is lost. */
export async function serve(node: Settlement, signal: AbortSignal): Promise<never> {
  const known: Known = { subnet: undefined, view: undefined };
  const reconciler = createNodeReconciler(node, known);
  await prepareDevice(node, signal);
  const held = await acquire(node, signal);
  const { subnet } = held.lease;
  known.subnet = subnet;
  writeSubnetFile(node, subnet);

  const bell = new Bell();
  const snapshot = Promise.withResolvers<void>();
  const watching = watch(node, known, signal, () => {
    snapshot.resolve();
    reconciler.trigger();
    bell.ring();
  });
  const reconciling = snapshot.promise.then(() => reconciler.run(signal));
  const ruled = Promise.withResolvers<void>();
  const ruling = rule(node, subnet, ruled.resolve, signal);
  const keeping = keep(node, held, known, bell, signal);
  const ready = Promise.all([reconciler.settled, ruled.promise]).then(() => sendReady(node));
  await Promise.all([watching, reconciling, ruling, keeping, ready]);
  return signal.throwIfAborted() as never;
}

function acquire(
  { store, config, backend, self, options, previous, log }: Settlement,
  signal: AbortSignal,
): Promise<Held> {
  const terms = backend.terms(self);
  return acquireLease(
    { store, config, terms, ttl: options.leaseTtl, previous, random: Math.random, log },
    signal,
  );
}

function keep(
  { store, backend, self, options, log }: Settlement,
  held: Held,
  known: Known,
  bell: Bell,
  signal: AbortSignal,
): Promise<never> {
  const terms = backend.terms(self);
  const timing = { ttl: options.leaseTtl, margin: options.renewMargin };
  const now = () => performance.now();
  const view = () => known.view;
  return keepLease({ store, terms, ...timing, random: Math.random, now, log, view, bell }, held, signal);
}

function rule(
  { firewall, config: { network }, options, log }: Settlement,
  subnet: Cidr4,
  attempted: () => void,
  signal: AbortSignal,
): Promise<never> {
  const wanted = ({ randomFully }: Features) => [
    forwardRules(network, options.iptablesForwardRules),
    masqueradeRules({ network, subnet, wanted: options.ipMasq, randomFully }),
  ];
  return keepRules({ firewall, wanted, resync: options.iptablesResync, log, attempted }, signal);
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

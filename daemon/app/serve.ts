// The steady life of a node: lease held, kernel reconciled, rules in place, until the signal or a lost lease ends it.
import { Bell } from '../../lib/bell.ts';
import { describeError } from '../../lib/errors.ts';
import { sinceBoot } from '../../lib/since-boot.ts';
import type { Lease, Subnets } from '../model/lease.ts';
import { emptyView, fold } from '../model/lease-view.ts';
import type { Listing } from '../store/lease-store.ts';
import { type Acquired, acquireLease, type Held } from './acquire.ts';
import { heldUntil, keepLease } from './keep-lease.ts';
import { keepAllRules } from './keep-rules.ts';
import { isProven, writeMemory } from './memory.ts';
import type { Settlement } from './node.ts';
import { createNodeReconciler, type Known } from './node-reconciler.ts';
import { peersOf } from './peers-of.ts';
import { prepareDevice } from './prepare-device.ts';
import { ruleKeepers } from './rule-keepers.ts';
import { createSubnetFile, type SubnetFile } from './subnet-file.ts';
import { trafficOf } from './traffic.ts';

/** Rejects with the signal's reason, or with a UserError when the subnet is lost. */
export async function serve(node: Settlement, signal: AbortSignal): Promise<never> {
  const known: Known = { subnets: {}, view: undefined };
  const bell = new Bell();
  const subnetFile = createSubnetFile(node);
  const peers = peersOf(node, known);
  const reconciler = createNodeReconciler(node, known, peers, () => {
    sayMove(node);
    subnetFile.update();
    node.carrier?.trigger();
    bell.ring();
  });
  const listing = node.store.list(signal);
  listing.catch(() => {}); // it is awaited below, and may fail before that
  await node.carrier?.open();
  await prepareDevice(node, signal);
  const held = await acquire(node, listing, signal);
  node.observe(heldUntil(held));
  known.subnets = held.lease.subnets;
  const opened = open(node, known.subnets, subnetFile, signal);
  remember(node, held.lease);

  const snapshot = Promise.withResolvers<void>();
  const watching = watch(node, known, held.listing, reconciler.settled, signal, () => {
    snapshot.resolve();
    reconciler.trigger();
    node.hooks?.trigger();
    node.carrier?.trigger();
    // Seeing after our own lease can wait until the peers are on their way to the kernel.
    setImmediate(() => bell.ring());
  });
  const reconciling = snapshot.promise.then(() => reconciler.run(signal));
  const hooking = Promise.all([snapshot.promise, opened]).then(() => node.hooks?.keep(peers, signal));
  const carrying = snapshot.promise.then(() => node.carrier?.keep(peers, () => known.subnets, signal));
  const ruled = Promise.withResolvers<void>();
  // Together they would keep each other from the processors, and peers wait for routes first.
  const ruling = reconciler.settled.then(() => rule(node, known.subnets, ruled.resolve, signal));
  const keeping = keep(node, held, known, bell, signal);
  const ready = Promise.all([opened, reconciler.settled, ruled.promise]).then(() => {
    node.observe({ kind: 'ready' });
    node.log.info('ready');
  });
  await Promise.all([watching, reconciling, hooking, carrying, ruling, keeping, ready]);
  return signal.throwIfAborted() as never;
}

function acquire(node: Settlement, listing: Promise<Listing>, signal: AbortSignal): Promise<Acquired> {
  const { store, config, backend, identity, options, previous, memory, log } = node;
  const terms = backend.terms(identity.self);
  const evidence = { memory, previous, terms, isUnique: backend.isUnique };
  const proven = (lease: Lease) => isProven(evidence, lease);
  const wishes = { store, listing, config, terms, ttl: options.leaseTtl, previous, isProven: proven, log };
  return acquireLease({ ...wishes, random: Math.random }, signal);
}

function keep(node: Settlement, held: Held, known: Known, bell: Bell, signal: AbortSignal): Promise<never> {
  const { store, backend, identity, options, log, observe } = node;
  const terms = () => backend.terms(identity.self);
  const timing = { ttl: options.leaseTtl, margin: options.renewMargin };
  const view = () => known.view;
  const written = (lease: Lease) => remember(node, lease);
  return keepLease(
    { store, terms, ...timing, random: Math.random, now: sinceBoot, log, view, bell, written, observe },
    held,
    signal,
  );
}

function rule(node: Settlement, subnets: Subnets, attempted: () => void, signal: AbortSignal): Promise<void> {
  const { firewall, options, log, observe } = node;
  const keepers = ruleKeepers(firewall, trafficOf(node, subnets));
  return keepAllRules(keepers, { resync: options.iptablesResync, log, attempted, observe }, signal);
}

/** Lets others use the subnet, after the backend's command for that; the lease is kept meanwhile. */
async function open(
  { hooks }: Settlement,
  subnets: Subnets,
  subnetFile: SubnetFile,
  signal: AbortSignal,
): Promise<void> {
  if (hooks) await hooks.leased(subnets, signal);
  subnetFile.write(subnets);
}

async function watch(
  { store, observe }: Settlement,
  known: Known,
  listing: Listing,
  programmed: Promise<void>,
  signal: AbortSignal,
  changed: () => void,
): Promise<void> {
  for await (const event of store.watch(signal, listing)) {
    known.view = fold(known.view ?? emptyView, event);
    observe({ kind: 'leases', count: known.view.length, snapshot: event.kind === 'snapshot' });
    changed();
    // What the watch needs takes long to load; it misses nothing, as it begins where the listing was made.
    await programmed;
  }
}

function sayMove({ identity, log }: Settlement): void {
  const { uplink, publicIps } = identity.self;
  log.warn('the uplink has changed, following it', {
    name: uplink.name,
    address: Object.values(uplink.ips).join(),
    publicIp: Object.values(publicIps).join(),
    mtu: uplink.mtu,
  });
}

/** Not worth ending for: without it, a new public IP means a new subnet. */
function remember({ options, log }: Settlement, lease: Lease): void {
  try {
    writeMemory(options.subnetFile, lease);
  } catch (error) {
    log.debug('cannot note down the lease', { error: describeError(error) });
  }
}

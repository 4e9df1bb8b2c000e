// Start-up: settles what this node is, with etcd and the host asked side by side, and hands over to serving.
import { resolve } from 'node:path';
import { describeError, UsageError, UserError } from '../../lib/errors.ts';
import { type Family, families } from '../../lib/ip.ts';
import type { Backend, Hooks, Self } from '../backends/backend.ts';
import { namesBackend } from '../backends/index.ts';
import { compileGoRegExp } from '../model/go-regexp.ts';
import { familiesOf, type NetworkConfig } from '../model/network-config.ts';
import type { Options } from '../options.ts';
import type { LeaseStore } from '../store/lease-store.ts';
import type { CarrierPlan } from '../udp/carrier.ts';
import { readPrevious } from './files.ts';
import { createHookMemory } from './hook-memory.ts';
import { Identity } from './identity.ts';
import { readMemory } from './memory.ts';
import type { Daemon } from './node.ts';
import { NodeCarrier } from './node-carrier.ts';
import { NodeHooks } from './node-hooks.ts';
import { serve } from './serve.ts';
import { settleConfig } from './settle-config.ts';
import { chooseUplink } from './uplink.ts';

/** Runs until the signal aborts, then rejects with its reason; rejects with a UserError when it cannot go on. */
export async function runDaemon(daemon: Daemon, signal: AbortSignal): Promise<never> {
  const { options, log, kernel } = daemon;
  const ended = new AbortController();
  const life = AbortSignal.any([signal, ended.signal]);
  let store: LeaseStore | undefined;
  try {
    const ifaceRegex = options.ifaceRegex.map(compile);
    const guess = likelyFamilies(options);
    const host = Promise.all([
      kernel.read({ families: guess, devices: [], sysctls: [] }, life),
      options.ifaceCanReach === undefined ? undefined : kernel.pathTo(options.ifaceCanReach, life),
      kernel.mayChange(life),
    ]);
    host.catch(() => {}); // it is awaited below, and may fail before that
    await daemon.takeNames([`the subnet file ${resolve(options.subnetFile)}`]);
    store = await daemon.openStore();
    const [{ config, backend }, [seen, reached, permitted]] = await Promise.all([
      settleConfig(store, log, life),
      host,
    ]);
    const previous = readPrevious(options.subnetFile);
    const memory = readMemory(options.subnetFile);
    const enabled = familiesOf(config);
    const present = enabled.every(family => guess.includes(family))
      ? seen
      : await kernel.read({ families: enabled, devices: [], sysctls: [] }, life);
    const uplink = chooseUplink(present, { ...options, ifaceRegex, reached }, enabled, log);
    const identity = new Identity({
      config,
      backend,
      uplink,
      publicIps: options.publicIps,
      previous,
      present,
    });
    const { self } = identity;
    const refusal = backend.refuses(self);
    if (refusal) throw new UserError(refusal);
    // Others would send to a node that cannot send them anything.
    if (!permitted && backend.usesPeers && !backend.hooks) throw notPermitted(config.backendType);
    await daemon.takeNames(namesOf(self, backend, options));
    if (backend.usesKeys) identity.useKeys(daemon.loadKeys());
    log.info('settled', {
      backend: config.backendType,
      because: namesBackend(config) ? undefined : 'the configuration names none',
      publicIp: enabled.map(family => self.publicIps[family]).join(),
      mac: Object.values(self.macs).filter(Boolean).join() || undefined,
    });
    const carrier = backend.carrier && nodeCarrier(daemon, backend.carrier, identity);
    const hooks = backend.hooks && nodeHooks(daemon, backend.hooks, config, identity);
    const settlement = {
      ...daemon,
      store,
      config,
      backend,
      identity,
      hooks,
      carrier,
      previous: previous.subnets,
      memory,
      present,
    };
    await hooks?.beforeLease(life);
    try {
      return await serve(settlement, life);
    } finally {
      ended.abort();
      await carrier?.[Symbol.asyncDispose]();
      await hooks?.ended();
    }
  } finally {
    ended.abort();
    await store?.[Symbol.asyncDispose]();
  }
}

/** Read while the configuration is on its way; each family costs a process, and IPv6 alone is rare. */
function likelyFamilies({ iface }: Options): readonly Family[] {
  return iface.some(text => text.includes(':')) ? families : [4];
}

/** What two daemons on one host would take from each other. Several networks on a host differ in all of these. */
function namesOf(
  { publicIps }: Self,
  { devices }: Backend,
  { etcdEndpoints, etcdPrefix }: Options,
): string[] {
  const lease = `the lease of ${Object.values(publicIps).join()} in ${etcdPrefix} at ${etcdEndpoints.join()}`;
  return [...devices.map(name => `the device ${name}`), lease];
}

function notPermitted(backend: string): UserError {
  return new UserError(`this process may not change the network, which ${backend} needs`, {
    hint: 'run it as root or give it CAP_NET_ADMIN, in a container with --cap-add NET_ADMIN',
  });
}

function nodeCarrier(
  { openCarrier, log, observe }: Daemon,
  plan: (self: Self) => CarrierPlan,
  identity: Identity,
): NodeCarrier {
  return new NodeCarrier({ open: openCarrier, plan: () => plan(identity.self), log, observe });
}

function nodeHooks(
  { shell, options, log }: Daemon,
  hooks: Hooks,
  config: NetworkConfig,
  identity: Identity,
): NodeHooks {
  const memory = createHookMemory(options.subnetFile);
  return new NodeHooks({ hooks, shell, config, identity, memory, log });
}

function compile(pattern: string): RegExp {
  try {
    return compileGoRegExp(pattern);
  } catch (cause) {
    throw new UsageError(`-iface-regex ${pattern} cannot be used: ${describeError(cause)}`, { cause });
  }
}

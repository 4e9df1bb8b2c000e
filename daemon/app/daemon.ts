// Start-up: settles what this node is, with etcd and the host asked side by side, and hands over to serving.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { UserError } from '../../lib/errors.ts';
import { formatIp4 } from '../../lib/ip.ts';
import type { Backend, Self } from '../backends/backend.ts';
import { canBecome } from '../model/diff.ts';
import type { LinkEntry, NetState } from '../model/net-state.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { PreviousEnv } from '../model/subnet-env.ts';
import { hasAddress, type Underlay } from '../model/underlay.ts';
import type { LeaseStore } from '../store/lease-store.ts';
import { readPrevious } from './files.ts';
import type { Daemon } from './node.ts';
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
    const host = kernel.read({ devices: [], sysctls: [] }, life).then(present => {
      return { present, uplink: chooseUplink(present, options, log) };
    });
    host.catch(() => {}); // it is awaited below, and may fail before that
    store = await daemon.openStore();
    const [{ config, backend }, { present, uplink }, previous] = await Promise.all([
      settleConfig(store, log, life),
      host,
      readPrevious(options.subnetFile),
    ]);
    const publicIp = options.publicIp ?? uplink.ip;
    const tunnelIp = hasAddress(present, publicIp) ? publicIp : uplink.ip;
    const self = withMac(
      { uplink, publicIp, tunnelIp, networks: networksOf(config, previous) },
      backend,
      present,
    );
    const refusal = backend.refuses(self);
    if (refusal) throw new UserError(refusal);
    log.info('settled', {
      backend: backend.type,
      publicIp: formatIp4(publicIp),
      mac: backend.devices.length > 0 ? self.mac : undefined,
    });
    return await serve({ ...daemon, store, config, backend, self, previous: previous.subnet, present }, life);
  } finally {
    ended.abort();
    await store?.[Symbol.asyncDispose]();
  }
}

function networksOf({ network }: NetworkConfig, previous: PreviousEnv) {
  return previous.network ? [network, previous.network] : [network];
}

/** The MAC of the device that is there, when it can be kept: peers know it. Otherwise a new one. */
function withMac(self: Omit<Self, 'mac'>, backend: Backend, present: NetState): Self {
  const underlay: Underlay = { isOnLink: () => false };
  const wanted = backend
    .desired({ self: { ...self, mac: '' }, subnet: undefined, peers: [], underlay })
    .find((entry): entry is LinkEntry => entry.kind === 'link');
  const there = present.find(
    (entry): entry is LinkEntry => entry.kind === 'link' && entry.name === wanted?.name,
  );
  const mac = wanted && there && canBecome(there, wanted) ? there.mac : randomMac();
  return { ...self, mac };
}

/** Locally administered, unicast. */
function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return bytes.toString('hex').replace(/..(?!$)/g, '$&:');
}

/** Reads the PEM files a flag names; empty means none. */
export async function readPem(flag: string, path: string): Promise<Buffer | undefined> {
  if (!path) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new UserError(`cannot read -${flag} ${path}`, { cause });
  }
}

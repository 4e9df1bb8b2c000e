// Waits until the cluster has a network configuration that this node can serve.

import { Bell, ringOn } from '../../lib/bell.ts';
import type { Logger } from '../../lib/log.ts';
import type { Backend } from '../backends/backend.ts';
import { chooseBackend } from '../backends/index.ts';
import { type ConfigProblem, type NetworkConfig, parseNetworkConfig } from '../model/network-config.ts';
import { backoff } from '../model/renewal.ts';
import { withoutPsk } from '../model/secret.ts';
import { type LeaseStore, StoreError } from '../store/lease-store.ts';

export interface Settled {
  readonly config: NetworkConfig;
  readonly backend: Backend;
}

/** How often the key is read although no change was announced, in milliseconds. */
const poll = 30_000;

/** Resolves as soon as the configuration is there and valid; what is wrong with it is said once. */
export async function settleConfig(store: LeaseStore, log: Logger, signal: AbortSignal): Promise<Settled> {
  const watching = new AbortController();
  const bell = new Bell();
  const wait = backoff(100, 2000);
  let said: string | undefined;
  let pump: Promise<void> | undefined;
  try {
    for (;;) {
      const text = await readConfig(store, signal);
      if (text === unreachable) {
        await bell.heard(wait.next(), signal);
        continue;
      }
      const result = interpret(text, store.configKey);
      if ('settled' in result) return result.settled;
      if (said !== result.said) log.error(result.message, result.fields);
      said = result.said;
      pump ??= ringOn(store.watchConfig(AbortSignal.any([signal, watching.signal])), bell);
      await bell.heard(poll, signal);
    }
  } finally {
    watching.abort();
    await pump;
  }
}

const unreachable = Symbol('unreachable');

async function readConfig(store: LeaseStore, signal: AbortSignal) {
  try {
    return await store.config(signal);
  } catch (error) {
    if (error instanceof StoreError) return unreachable;
    throw error;
  }
}

type Interpretation =
  | { readonly settled: Settled }
  | { readonly said: string; readonly message: string; readonly fields: Readonly<Record<string, string>> };

function interpret(text: string | undefined, configKey: string): Interpretation {
  if (text === undefined) {
    const message = 'no network configuration yet, waiting for it to be written';
    const rest = `${configKey} '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}'`;
    const hint = `etcdctl put ${rest}   # etcd v3; with etcd v2: ETCDCTL_API=2 etcdctl set ${rest}`;
    return { said: 'missing', message, fields: { key: configKey, hint } };
  }
  const parsed = parseNetworkConfig(text);
  if ('problems' in parsed) return complaint(parsed.problems, configKey);
  const chosen = chooseBackend(parsed.config);
  if ('problems' in chosen) return complaint(chosen.problems, configKey);
  return { settled: { config: parsed.config, backend: chosen.backend } };
}

function complaint(problems: readonly ConfigProblem[], configKey: string): Interpretation {
  const text = problems
    .map(({ key, value, problem }) => [key, withoutPsk(value), problem].filter(Boolean).join(' '))
    .join('; ');
  return {
    said: text,
    message: 'the network configuration cannot be used, waiting for it to be mended',
    fields: { key: configKey, problem: text.slice(0, 1000) },
  };
}

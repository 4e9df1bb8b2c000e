// Copies configuration and leases from one of etcd's stores to the other, and reads back what is there then.
import { posix } from 'node:path';
import { UserError } from '../../lib/errors.ts';
import { Store } from '../store.ts';
import { StoreV2 } from '../store-v2.ts';
import { type Conflict, missingFrom, type Plan, planMigration, type StoreRecord } from './plan.ts';

export type Api = 'v2' | 'v3';

export interface Migration {
  readonly from: StoreAt;
  readonly to: StoreAt;
  /** As in the daemon's -etcd-prefix. */
  readonly prefix: string;
  /** Nothing is written. */
  readonly dryRun: boolean;
}

export interface StoreAt {
  readonly api: Api;
  /** URLs of etcd's members, http only. */
  readonly endpoints: readonly string[];
}

export interface Migrated {
  /** With conflicts nothing was written. */
  readonly plan: Plan;
  /** Keys that were written. */
  readonly written: readonly string[];
  /** What is not at the target as it was to be. */
  readonly wrong: readonly Conflict[];
}

/** Milliseconds for etcd to answer. */
const patience = 5000;
/** So many keys are asked for at the same time. */
const atOnce = 32;

/** Rejects with a UserError when a store does not answer, or the source has no configuration. */
export async function migrate(
  { from, to, prefix, dryRun }: Migration,
  signal: AbortSignal,
): Promise<Migrated> {
  await using source = await open(from, prefix, signal);
  await using target = await open(to, prefix, signal);
  const read = performance.now();
  const records = await recordsOf(source.store, prefix);
  if (!records.some(({ key }) => key === 'config')) {
    const hint = `it is written to ${prefix}/config; is the cluster's --etcd-prefix another one?`;
    throw new UserError(`etcd ${from.api} holds no configuration below ${prefix}`, { hint });
  }
  const before = await recordsOf(target.store, prefix);
  const plan = planMigration(records, before);
  if (dryRun || plan.conflicts.length > 0) return { plan, written: [], wrong: [] };
  const written: string[] = [];
  for (const { record, action } of plan.steps) {
    if (action === 'keep') continue;
    signal.throwIfAborted();
    const { key, value, ttl } = record;
    // Only in the place of what was seen: a daemon may have written it meanwhile, which the reading back tells.
    const former = action === 'refresh' ? { value } : undefined;
    if (await target.store.replace(key, former, { value, ttl })) written.push(key);
  }
  const after = await recordsOf(target.store, prefix);
  return { plan, written, wrong: missingFrom(plan.steps, after, (performance.now() - read) / 1000) };
}

async function open({ api, endpoints }: StoreAt, prefix: string, signal: AbortSignal) {
  const store = new (api === 'v2' ? StoreV2 : Store)(endpoints, prefix);
  const late = AbortSignal.timeout(patience);
  try {
    await store.ready(AbortSignal.any([signal, late]));
  } catch (error) {
    await store[Symbol.asyncDispose]();
    if (!late.aborted || signal.aborted) throw error;
    const hint = `curl ${endpoints[0]}/health`;
    throw new UserError(
      `etcd ${api} at ${endpoints.join(', ')} does not answer within ${patience / 1000} s`,
      { hint },
    );
  }
  return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** Configuration and what is below `subnets/`, in the order of their keys. */
async function recordsOf(store: Store, prefix: string): Promise<readonly StoreRecord[]> {
  const root = `${posix.join('/', prefix)}/`;
  const keys = (await store.dump())
    .map(({ key }) => posix.join('/', key))
    .filter(key => key.startsWith(root))
    .map(key => key.slice(root.length))
    .filter(key => key === 'config' || key.startsWith('subnets/'))
    .sort();
  const records: StoreRecord[] = [];
  for (let at = 0; at < keys.length; at += atOnce) {
    const some = keys.slice(at, at + atOnce);
    const entries = await Promise.all(some.map(key => store.entry(key)));
    // One whose time is over meanwhile is none.
    for (const [index, entry] of entries.entries())
      if (entry && (entry.ttl ?? 1) > 0)
        records.push({ key: some[index] ?? '', value: entry.value, ttl: entry.ttl });
  }
  return records;
}

// What has to be written so that the target store holds what the source has, or why nothing may be; pure.
import { formatCidr, overlaps } from '../../lib/ip.ts';
import { storedLease } from '../stored-lease.ts';

/** A key below the prefix: `config`, `subnets/10.5.3.0-24`. */
export interface StoreRecord {
  readonly key: string;
  readonly value: string;
  /** Seconds it has left; undefined for a key that does not expire: the configuration, a reservation. */
  readonly ttl: number | undefined;
}

/**
 * `refresh`: the node's record is there already, and would end sooner than in the source: it stays as it is, for longer.
 * `keep`: nothing is written.
 */
export type Action = 'copy' | 'refresh' | 'keep';

export interface Step {
  /** As it is to be at the target. */
  readonly record: StoreRecord;
  readonly action: Action;
}

export interface Conflict {
  readonly key: string;
  readonly why: string;
}

export interface Plan {
  /** In the order in which they are written: a daemon that finds the configuration looks for its lease at once. */
  readonly steps: readonly Step[];
  /** While there is one, nothing is written. */
  readonly conflicts: readonly Conflict[];
  /** Keys below `subnets/` that no flannel reads as a lease. */
  readonly skipped: readonly string[];
}

/** In seconds: so much less at the target is no reason to write it again. */
const slack = 60;
const folder = 'subnets/';

export function planMigration(source: readonly StoreRecord[], target: readonly StoreRecord[]): Plan {
  const leases = source.filter(({ key }) => key.startsWith(folder));
  const wanted = leases.filter(({ key }) => subnetOf(key));
  const config = source.filter(({ key }) => key === 'config');
  const all = [...wanted, ...config];
  return {
    steps: all.map(record => stepFor(record, same(record, target))),
    conflicts: all.flatMap(record => conflictsOf(record, target, source)),
    skipped: leases.filter(({ key }) => !subnetOf(key)).map(({ key }) => key),
  };
}

/** Whose lease it is; undefined for the configuration and for what cannot be read. */
export function holderOf({ key, value }: StoreRecord): string | undefined {
  return key === 'config' ? undefined : storedLease(key.slice(folder.length), value).publicIp;
}

function subnetOf(key: string) {
  return storedLease(key.slice(folder.length), '').subnet;
}

function same({ key }: StoreRecord, target: readonly StoreRecord[]): StoreRecord | undefined {
  return target.find(there => there.key === key);
}

function stepFor(record: StoreRecord, there: StoreRecord | undefined): Step {
  if (!there) return { record, action: 'copy' };
  const endsSooner = there.ttl !== undefined && there.ttl + slack < (record.ttl ?? Number.POSITIVE_INFINITY);
  const action = endsSooner && isSameLease(record, there) ? 'refresh' : 'keep';
  return { record: { ...record, value: there.value }, action };
}

/** Whoever has moved already may have written its record anew: the subnet is still its own. */
function isSameLease(record: StoreRecord, there: StoreRecord): boolean {
  const holder = holderOf(record);
  return sameJson(record.value, there.value) || (holder !== undefined && holderOf(there) === holder);
}

function conflictsOf(
  record: StoreRecord,
  target: readonly StoreRecord[],
  source: readonly StoreRecord[],
): readonly Conflict[] {
  const there = same(record, target);
  const conflict = (why: string): Conflict => ({ key: record.key, why });
  if (record.key === 'config')
    return there && !sameJson(record.value, there.value)
      ? [conflict(`the target has another configuration: ${there.value}`)]
      : [];
  const holder = holderOf(record);
  const isTheirs = there && !isSameLease(record, there);
  return [
    ...(there && isTheirs
      ? [conflict(`the target has it for ${holderOf(there) ?? there.value}, not ${holder}`)]
      : []),
    ...others(
      record,
      target.filter(also => !same(also, source)),
    ).map(({ key, why }) => conflict(`the target has ${key}, ${why}`)),
  ];
}

/** What only the target has, under other keys, and cannot be there beside this lease. */
function others(record: StoreRecord, target: readonly StoreRecord[]): readonly Conflict[] {
  const subnet = subnetOf(record.key);
  const holder = holderOf(record);
  return target.flatMap(there => {
    const other = there.key.startsWith(folder) ? subnetOf(there.key) : undefined;
    if (!subnet || !other || there.key === record.key) return [];
    if (overlaps(subnet, other)) return [{ key: there.key, why: `which overlaps ${formatCidr(subnet)}` }];
    const isMoved = holder !== undefined && holderOf(there) === holder;
    return isMoved ? [{ key: there.key, why: `another subnet of the same node, ${holder}` }] : [];
  });
}

/** Whether two texts are one JSON value; what is null counts as left out, as v2's records leave it. */
function sameJson(a: string, b: string): boolean {
  return a === b || (canonical(a) !== undefined && canonical(a) === canonical(b));
}

function canonical(text: string): string | undefined {
  try {
    return JSON.stringify(sorted(JSON.parse(text)));
  } catch {
    return undefined;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, of]) => of !== null);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, of]) => [name, sorted(of)]),
  );
}

/** What the target must have now and has not, in words; none when the copy is whole. `seconds`: since the source was read. */
export function missingFrom(
  steps: readonly Step[],
  target: readonly StoreRecord[],
  seconds: number,
): readonly Conflict[] {
  return steps.flatMap(({ record, action }) => {
    const there = same(record, target);
    const found = (why: string): readonly Conflict[] => [{ key: record.key, why }];
    if (!there) return found('is not at the target');
    if (action === 'keep') return [];
    if (there.value !== record.value) return found(`has another value at the target: ${there.value}`);
    return lastsAsLong(record.ttl, there.ttl, seconds)
      ? []
      : found(`has ${secondsText(there.ttl)} at the target, and ${secondsText(record.ttl)} at the source`);
  });
}

/** etcd rounds to seconds, and gives a very short time some seconds more. */
function lastsAsLong(wanted: number | undefined, found: number | undefined, seconds: number): boolean {
  if (wanted === undefined || found === undefined) return wanted === found;
  return found >= wanted - seconds - 2 && found <= wanted + 5;
}

function secondsText(ttl: number | undefined): string {
  return ttl === undefined ? 'no end' : `${ttl} s left`;
}

// Reads one record under `subnets/`, whatever registry it is in; complains once about each that is no lease.
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey } from '../model/lease.ts';
import { parseKey, parseValue } from '../model/lease-codec.ts';
import { createComplaints } from './complaints.ts';
import type { Records, Unreadable } from './lease-store.ts';

export interface RawRecord {
  readonly key: LeaseKey;
  readonly value: string;
  readonly revision: number;
  readonly created: number;
  /** As in {@link Lease}. */
  readonly grant: string | undefined;
}

export type ReadRecord = (record: RawRecord) => Lease | Unreadable;

/** `folder` is what is in front of the keys, with its slash. */
export function createReader(folder: string, log: Logger): ReadRecord {
  const complain = createComplaints(folder, log);
  return ({ key, value, revision, created, grant }) => {
    const subnets = parseKey(key);
    const parsed = subnets ? parseValue(value) : { problem: 'its key names no subnet' };
    if (subnets && 'terms' in parsed) return { key, subnets, created, ...parsed.terms, revision, grant };
    const record = {
      key,
      subnets: subnets ?? {},
      created,
      problem: 'problem' in parsed ? parsed.problem : '',
    };
    complain(record, revision);
    return record;
  };
}

export function isReadable(record: Lease | Unreadable): record is Lease {
  return !('problem' in record);
}

/** Tells leases from what is none; the order is kept. */
export function toRecords(records: readonly (Lease | Unreadable)[]): Records {
  return {
    leases: records.filter(isReadable),
    unreadable: records.filter((record): record is Unreadable => !isReadable(record)),
  };
}

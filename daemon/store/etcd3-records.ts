// Where lease records are in etcd, and how they are read.
import { posix } from 'node:path';
import { type IKeyValue, Range } from 'etcd3';
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey } from '../model/lease.ts';
import { parseKey, parseValue } from '../model/lease-codec.ts';
import { createComplaints } from './complaints.ts';
import type { Unreadable } from './lease-store.ts';

export class EtcdRecords {
  /** All records. */
  readonly range: Range;
  readonly #folder: string;
  readonly #complain: (record: Unreadable, revision: number) => void;

  /** Slashes in `prefix` are tidied as upstream's path.Join does. */
  constructor(prefix: string, log: Logger) {
    // With the slash, so that a sibling such as `subnets-backup/` is not taken for leases.
    this.#folder = `${posix.join(prefix, 'subnets')}/`;
    this.range = Range.prefix(this.#folder);
    this.#complain = createComplaints(this.#folder, log);
  }

  /** The full key of a lease. */
  at(key: LeaseKey): Buffer {
    return Buffer.from(this.#folder + key);
  }

  nameOf({ key }: IKeyValue): LeaseKey {
    return key.toString().slice(this.#folder.length);
  }

  /** Complains, once, about one that is no lease. */
  parse(kv: IKeyValue): Lease | Unreadable {
    const key = this.nameOf(kv);
    const revision = Number(kv.mod_revision);
    const subnets = parseKey(key);
    const value = subnets ? parseValue(kv.value.toString()) : { problem: 'its key names no subnet' };
    if (subnets && 'terms' in value)
      return { key, subnets, ...value.terms, revision, grant: kv.lease === '0' ? undefined : kv.lease };
    const record = { key, subnets: subnets ?? {}, problem: 'problem' in value ? value.problem : '' };
    this.#complain(record, revision);
    return record;
  }

  /** The lease in the answer to a request for one key; undefined when there is none that can be read. */
  first([kv]: readonly IKeyValue[]): Lease | undefined {
    const record = kv && this.parse(kv);
    return record && !('problem' in record) ? record : undefined;
  }
}

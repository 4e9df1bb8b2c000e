// Where lease records are in etcd v3, and how they are read.
import { posix } from 'node:path';
import { type IKeyValue, Range } from 'etcd3';
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey } from '../model/lease.ts';
import type { Unreadable } from './lease-store.ts';
import { createReader, isReadable, type ReadRecord } from './read-record.ts';

export class EtcdRecords {
  /** All records. */
  readonly range: Range;
  readonly #folder: string;
  readonly #read: ReadRecord;

  /** Slashes in `prefix` are tidied as upstream's path.Join does. */
  constructor(prefix: string, log: Logger) {
    // With the slash, so that a sibling such as `subnets-backup/` is not taken for leases.
    this.#folder = `${posix.join(prefix, 'subnets')}/`;
    this.range = Range.prefix(this.#folder);
    this.#read = createReader(this.#folder, log);
  }

  /** The full key of a lease. */
  at(key: LeaseKey): Buffer {
    return Buffer.from(this.#folder + key);
  }

  nameOf({ key }: IKeyValue): LeaseKey {
    return key.toString().slice(this.#folder.length);
  }

  parse(kv: IKeyValue): Lease | Unreadable {
    return this.#read({
      key: this.nameOf(kv),
      value: kv.value.toString(),
      revision: Number(kv.mod_revision),
      created: Number(kv.create_revision),
      grant: kv.lease === '0' ? undefined : kv.lease,
    });
  }

  /** The lease in the answer to a request for one key; undefined when there is none that can be read. */
  first([kv]: readonly IKeyValue[]): Lease | undefined {
    const record = kv && this.parse(kv);
    return record && isReadable(record) ? record : undefined;
  }
}

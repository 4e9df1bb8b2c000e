// Where lease records are in etcd v3, and how they are read.
import { posix } from 'node:path';
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey } from '../model/lease.ts';
import type { KeyValue } from './etcd3-api.ts';
import type { Unreadable } from './lease-store.ts';
import { createReader, isReadable, type ReadRecord } from './read-record.ts';

export class EtcdRecords {
  /** All records: from the first key to the second, without that. */
  readonly range: readonly [Buffer, Buffer];
  readonly #folder: string;
  readonly #read: ReadRecord;

  /** Slashes in `prefix` are tidied as upstream's path.Join does. */
  constructor(prefix: string, log: Logger) {
    // With the slash, so that a sibling such as `subnets-backup/` is not taken for leases.
    this.#folder = `${posix.join(prefix, 'subnets')}/`;
    // The character after a slash is a 0.
    this.range = [Buffer.from(this.#folder), Buffer.from(this.#folder.replace(/.$/, '0'))];
    this.#read = createReader(this.#folder, log);
  }

  /** The full key of a lease. */
  at(key: LeaseKey): Buffer {
    return Buffer.from(this.#folder + key);
  }

  nameOf({ key }: Pick<KeyValue, 'key'>): LeaseKey {
    return key.toString().slice(this.#folder.length);
  }

  parse(kv: KeyValue): Lease | Unreadable {
    return this.#read({
      key: this.nameOf(kv),
      value: kv.value.toString(),
      revision: Number(kv.mod_revision),
      created: Number(kv.create_revision),
      grant: kv.lease === '0' ? undefined : kv.lease,
    });
  }

  /** The lease in a record; undefined when there is none that can be read. */
  first(kv: KeyValue | undefined): Lease | undefined {
    const record = kv && this.parse(kv);
    return record && isReadable(record) ? record : undefined;
  }
}

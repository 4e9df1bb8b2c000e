// Where lease records are in etcd v2, and how its nodes are read and written.
import { posix } from 'node:path';
import type { Logger } from '../../lib/log.ts';
import type { Lease, LeaseKey, LeaseTerms } from '../model/lease.ts';
import { encodeValue, parseKey } from '../model/lease-codec.ts';
import type { Node } from './etcd2-answer.ts';
import type { Unreadable } from './lease-store.ts';
import { createReader, isReadable, type ReadRecord } from './read-record.ts';

export class Etcd2Records {
  /** The directory of the records. */
  readonly folder: string;
  readonly #read: ReadRecord;

  /** Slashes in `prefix` are tidied, and one is put in front, as upstream's v2 client does. */
  constructor(prefix: string, log: Logger) {
    this.folder = posix.join('/', prefix, 'subnets');
    this.#read = createReader(`${this.folder}/`, log);
  }

  /** The full key of a lease. */
  at(key: LeaseKey): string {
    return `${this.folder}/${key}`;
  }

  /** The name of a record; undefined when the node is the directory itself, or something above it. */
  nameOf({ key }: Node): LeaseKey | undefined {
    return key.startsWith(`${this.folder}/`) ? key.slice(this.folder.length + 1) : undefined;
  }

  parse(node: Node): Lease | Unreadable {
    return this.#read({
      key: this.nameOf(node) ?? node.key,
      value: node.value,
      revision: node.modifiedIndex,
      created: node.createdIndex,
      grant: node.expiration,
    });
  }

  /** The lease that a node is; undefined when it cannot be read. */
  lease(node: Node): Lease | undefined {
    const record = this.parse(node);
    return isReadable(record) ? record : undefined;
  }

  /** All records below a directory, in key order. A directory that is in a lease's place is one that cannot be read. */
  all(root: Node): (Lease | Unreadable)[] {
    const flat = ({ nodes }: Node): Node[] => nodes.flatMap(node => [node, ...flat(node)]);
    const records = flat(root).filter(node => !node.dir || parseKey(this.nameOf(node) ?? ''));
    return records.map(node => this.parse(node)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** As upstream 0.7 writes it: without a `PublicIPv6` that says nothing. */
export function encodeValue2(terms: LeaseTerms): string {
  const { PublicIPv6, ...value } = JSON.parse(encodeValue(terms));
  return JSON.stringify(PublicIPv6 ? { ...value, PublicIPv6 } : value);
}

// What the registry asks of etcd v3, whichever way its requests take.
import type { IDuplexStream, IKeyValue, IWatchRequest, IWatchResponse } from 'etcd3';

/** 64-bit numbers are text, as everywhere between etcd and its clients: a Number would lose their low digits. */
export type KeyValue = Pick<IKeyValue, 'key' | 'value' | 'create_revision' | 'mod_revision' | 'lease'>;

export interface Found {
  /** In key order. */
  readonly kvs: readonly KeyValue[];
  /** Of etcd, at the moment of reading. */
  readonly revision: number;
}

/** That the key was last written at this revision; 0 means that there is none. */
export interface Condition {
  readonly key: Buffer;
  readonly revision: number;
}

/** Something written, under a grant or for good, or a key removed. */
export type Change =
  | { readonly put: Buffer; readonly value: string; readonly grant: string | undefined }
  | { readonly remove: Buffer };

export interface Transaction {
  readonly unless: readonly Condition[];
  readonly changes: readonly Change[];
  /** Read when a condition does not hold, and nothing was changed. */
  readonly orElse?: Buffer;
}

export interface Outcome {
  readonly succeeded: boolean;
  /** What stands at `orElse`. */
  readonly present: KeyValue | undefined;
  readonly revision: number;
}

/** Requests that are asked once of each endpoint, and then fail: waiting is the caller's. */
export interface Etcd3Requests {
  /** The key, or all keys from it up to `end`, without that. */
  range(key: Buffer, end?: Buffer): Promise<Found>;
  transact(transaction: Transaction): Promise<Outcome>;
  /** A grant with this number and of so many seconds; says how many etcd gave. */
  grant(id: string, ttl: number): Promise<number>;
  /** Revokes the grant, unless a record hangs on it. */
  giveBack(id: string): Promise<void>;
  close(): void;
}

export type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>;

export interface Etcd3Client extends Etcd3Requests {
  /** A stream for watches, which ends by itself when the endpoint loses touch with its leader. */
  watch(): Promise<WatchStream>;
  /** Whether a request got no answer, as opposed to one that was refused. */
  isOutage(error: unknown): boolean;
}

// The harness's own hand in etcd: writes the network config, reads leases back, and tampers with them as told.
import type { Etcd3, IRequestOp } from 'etcd3';
import { UserError } from '../lib/errors.ts';
import { until } from '../lib/wait.ts';
import type { NetworkConfig } from './cluster-spec.ts';
import { type StoreEvent, StoreHistory } from './store-history.ts';
import { StoreMembers } from './store-members.ts';
import { type StoredLease, storedLease } from './stored-lease.ts';

export interface StoredKey {
  readonly key: string;
  readonly value: string;
  readonly revision: string;
  /** The revision at which it appeared: another one means that it was gone in between. */
  readonly created: string;
  /** Lease id in hexadecimal; undefined for a key that does not expire. */
  readonly lease: string | undefined;
}

/** What a key has, and how long it stays. */
export interface Entry {
  readonly value: string;
  /** Id of the etcd lease it hangs on, decimal; v3 only. */
  readonly lease?: string | undefined;
  /** Seconds it has left; undefined for a key that does not expire. */
  readonly ttl?: number | undefined;
}

export class Store implements AsyncDisposable {
  /** Members of etcd, one by one. */
  readonly members: StoreMembers;
  readonly #prefix: string;
  #history: StoreHistory | undefined;

  /** `hosts`: of etcd's members, URLs or `unix:/path`. `prefix`: as in the daemon's -etcd-prefix. */
  constructor(hosts: readonly string[], prefix: string) {
    this.members = new StoreMembers(hosts, `${prefix}/config`, () => this.#history?.listenElsewhere());
    this.#prefix = prefix;
  }

  /** Resolves when etcd answers. */
  async ready(signal: AbortSignal): Promise<void> {
    const probe = () => this.#read(etcd => etcd.get(`${this.#prefix}/config`)).then(() => true);
    await until(probe, { what: 'etcd to answer', timeout: 30_000, interval: 20, signal });
  }

  /** As it is now; rejects where there is none. */
  async config(): Promise<NetworkConfig> {
    return JSON.parse((await this.#read(etcd => etcd.get(`${this.#prefix}/config`).string())) ?? '');
  }

  async putConfig(config: unknown): Promise<void> {
    await this.#write(etcd => etcd.put(`${this.#prefix}/config`).value(JSON.stringify(config)));
  }

  /** `key`: below the prefix, as in all that follows. `ttl`: in seconds; without it the key does not expire. */
  async put(key: string, value: string, { ttl }: { ttl?: number } = {}): Promise<void> {
    const grant = ttl === undefined ? undefined : await this.#grant(ttl);
    await this.#write(etcd => {
      const put = etcd.put(`${this.#prefix}/${key}`).value(value);
      return grant === undefined ? put : put.lease(grant);
    });
  }

  /** Many at once, as keys below the prefix and their values. */
  async putAll(records: Readonly<Record<string, string>>): Promise<void> {
    const puts = Object.entries(records).map(([key, value]) => ({
      request_put: { key: Buffer.from(`${this.#prefix}/${key}`), value: Buffer.from(value) },
    }));
    // etcd takes 128 operations in one transaction unless told otherwise.
    for (let at = 0; at < puts.length; at += 128)
      await this.#write(({ kv }) => kv.txn({ success: puts.slice(at, at + 128) }));
  }

  async remove(key: string): Promise<void> {
    await this.#write(etcd => etcd.delete().key(`${this.#prefix}/${key}`));
  }

  /** All of it at one revision, so that a watch tells it in one response. Undefined removes. */
  async transaction(values: Readonly<Record<string, string | undefined>>): Promise<void> {
    const success = Object.entries(values).map(([name, value]): IRequestOp => {
      const key = Buffer.from(`${this.#prefix}/${name}`);
      return value === undefined
        ? { request_delete_range: { key } }
        : { request_put: { key, value: Buffer.from(value) } };
    });
    await this.#write(({ kv }) => kv.txn({ success }));
  }

  /** Revokes the etcd lease that the key hangs on, and so everything on it, as when its time is over. */
  async revoke(key: string): Promise<void> {
    const found = (await this.dump()).find(stored => stored.key === `${this.#prefix}/${key}`);
    if (!found?.lease) throw new UserError(`${key} ${found ? 'hangs on no etcd lease' : 'is not in etcd'}`);
    const ID = BigInt(`0x${found.lease}`).toString();
    await this.#write(({ leaseClient }) => leaseClient.leaseRevoke({ ID }));
  }

  /** Seconds the key has left to live; undefined when it does not expire. Rejects when there is no such key. */
  async timeToLive(key: string): Promise<number | undefined> {
    for (let former = ''; ; ) {
      const found = (await this.dump()).find(stored => stored.key === `${this.#prefix}/${key}`);
      if (!found) throw new UserError(`${key} is not in etcd`);
      if (!found.lease) return undefined;
      const left = await this.#secondsLeft(BigInt(`0x${found.lease}`).toString());
      // One that ended in between was replaced by a renewal, and given back.
      if (left >= 0 || found.lease === former) return left;
      former = found.lease;
    }
  }

  /** The key below the prefix; undefined when there is none. */
  async entry(key: string): Promise<Entry | undefined> {
    const { kvs } = await this.#read(({ kv }) => kv.range({ key: Buffer.from(`${this.#prefix}/${key}`) }));
    const [kv] = kvs;
    if (!kv) return undefined;
    const value = kv.value.toString();
    if (kv.lease === '0') return { value };
    return { value, lease: kv.lease, ttl: await this.#secondsLeft(kv.lease) };
  }

  /**
   * Puts `to` in the place of `from`, undefined meaning no key. Resolves with false, and nothing changed, when the key
   * has not the value of `from` (any more). An etcd lease that has ended meanwhile is replaced by one of the same time.
   */
  async replace(key: string, from: Entry | undefined, to: Entry | undefined): Promise<boolean> {
    const name = Buffer.from(`${this.#prefix}/${key}`);
    const lease = to && (await this.#liveLease(to));
    const { succeeded } = await this.#write(({ kv }) =>
      kv.txn({
        compare: [
          from
            ? { key: name, target: 'Value', result: 'Equal', value: Buffer.from(from.value) }
            : { key: name, target: 'Create', result: 'Equal', create_revision: '0' },
        ],
        success: [
          to
            ? { request_put: { key: name, value: Buffer.from(to.value), ...(lease ? { lease } : {}) } }
            : { request_delete_range: { key: name } },
        ],
      }),
    );
    return succeeded;
  }

  async #liveLease({ lease, ttl }: Entry): Promise<string | undefined> {
    if (ttl === undefined) return undefined;
    if (lease !== undefined && (await this.#secondsLeft(lease)) > 0) return lease;
    return this.#grant(ttl);
  }

  /** How many etcd leases there are, whatever hangs on them. */
  async leaseCount(): Promise<number> {
    return (await this.#read(({ leaseClient }) => leaseClient.leaseLeases())).leases.length;
  }

  /** Moves the revision on by so many writes outside of what flannel reads. */
  async bump(writes: number): Promise<void> {
    for (let count = 0; count < writes; count++)
      await this.#write(etcd => etcd.put('/lab/bump').value(count));
  }

  /** Forgets all history before now. */
  async compact(): Promise<void> {
    const { header } = await this.#read(({ kv }) => kv.range({ key: Buffer.from('/lab/bump') }));
    await this.#write(({ kv }) => kv.compact({ revision: header.revision, physical: true }));
  }

  /** Whether etcd answers within a fifth of a second. */
  async answers(): Promise<boolean> {
    return this.members.answers();
  }

  async leases(): Promise<readonly StoredLease[]> {
    const folder = `${this.#prefix}/subnets/`;
    const found = await this.#read(etcd => etcd.getAll().prefix(folder).strings());
    return Object.entries(found).map(([key, value]) => storedLease(key.slice(folder.length), value));
  }

  /** The lease of the node with this public IP. */
  async leaseOf(publicIp: string): Promise<StoredLease | undefined> {
    return (await this.leases()).find(lease => lease.publicIp === publicIp);
  }

  /** Removes the lease of the node with this public IP, as an operator does for a node that will not come back. */
  async removeLease(publicIp: string): Promise<void> {
    const lease = await this.leaseOf(publicIp);
    if (!lease) throw new UserError(`no lease in etcd has the public IP ${publicIp}`);
    await this.remove(`subnets/${lease.key}`);
  }

  /** Every key below the prefix, for evidence. */
  async dump(): Promise<readonly StoredKey[]> {
    const { kvs } = await this.#read(etcd => etcd.getAll().prefix(this.#prefix).exec());
    return kvs.map(kv => ({
      key: kv.key.toString(),
      value: kv.value.toString(),
      revision: kv.mod_revision,
      created: kv.create_revision,
      lease: kv.lease === '0' ? undefined : BigInt(kv.lease).toString(16),
    }));
  }

  /** From now on the time of each change is known, too. */
  watchHistory(): StoreHistory {
    this.#history ??= new StoreHistory({
      watch: () => this.members.any.current.watchClient.watch(),
      revision: () => this.#revision(),
      isOurs: key => key.startsWith(this.#prefix),
    });
    return this.#history;
  }

  /** Every change below the prefix, as far back as etcd remembers; when etcd does not answer, what has come so far. */
  async history(): Promise<readonly StoreEvent[]> {
    const history = this.watchHistory();
    const upToNow = async () => {
      const revision = await this.#revision({ deadline: Date.now() + 1000 });
      return history.hasSeen(revision) ? true : undefined;
    };
    await until(upToNow, { what: 'the history of etcd', timeout: 2500, interval: 20 }).catch(error => {
      if (history.events.length === 0) throw error;
    });
    return history.events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#history?.[Symbol.dispose]();
    this.members.close();
  }

  async #grant(ttl: number): Promise<string> {
    return (await this.#write(({ leaseClient }) => leaseClient.leaseGrant({ TTL: ttl }))).ID;
  }

  /** Not above zero when the etcd lease has ended. */
  async #secondsLeft(ID: string): Promise<number> {
    return Number((await this.#read(({ leaseClient }) => leaseClient.leaseTimeToLive({ ID }))).TTL);
  }

  async #revision(options?: { readonly deadline: number }): Promise<number> {
    const key = Buffer.from(this.#prefix);
    return Number((await this.#read(({ kv }) => kv.range({ key }, options))).header.revision);
  }

  #read<T>(ask: (etcd: Etcd3) => PromiseLike<T>): Promise<T> {
    return this.members.any.read(ask);
  }

  #write<T>(order: (etcd: Etcd3) => PromiseLike<T>): Promise<T> {
    return this.members.any.write(order);
  }
}

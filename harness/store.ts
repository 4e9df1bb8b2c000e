// The harness's own view of etcd: writes the network config, reads leases back, removes what a leaving node held.
import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { UserError } from '../lib/errors.ts';
import { type Cidr, formatCidr, parseCidr } from '../lib/ip.ts';
import { until } from '../lib/wait.ts';

/** One key under `<prefix>/subnets`, as flannel nodes read it (the key's text, and the value's JSON). */
export interface StoredLease {
  readonly key: string;
  readonly subnet: Cidr | undefined;
  readonly publicIp: string | undefined;
  readonly backendType: string | undefined;
  readonly value: string;
}

export interface StoredKey {
  readonly key: string;
  readonly value: string;
  readonly revision: string;
  /** Lease id in hexadecimal; undefined for a key that does not expire. */
  readonly lease: string | undefined;
}

export class Store implements AsyncDisposable {
  readonly #client: Etcd3;
  readonly #prefix: string;

  /** `host`: a URL or `unix:/path`. `prefix`: as in the daemon's -etcd-prefix. */
  constructor(host: string, prefix: string) {
    const options: IOptions = {
      hosts: host,
      // Waiting is done by our callers, with a deadline; a circuit that opens by itself only hides etcd's return.
      faultHandling: { host: () => noop, global: noop },
      grpcOptions: { 'grpc.enable_http_proxy': 0, 'grpc.initial_reconnect_backoff_ms': 20 },
    };
    this.#client = new Etcd3(options);
    this.#prefix = prefix;
  }

  /** Resolves when etcd answers. */
  async ready(signal: AbortSignal): Promise<void> {
    const probe = () => this.#client.get(`${this.#prefix}/config`).then(() => true);
    await until(probe, { what: 'etcd to answer', timeout: 30_000, interval: 20, signal });
  }

  async putConfig(config: unknown): Promise<void> {
    await this.#client.put(`${this.#prefix}/config`).value(JSON.stringify(config));
  }

  async put(key: string, value: string): Promise<void> {
    await this.#client.put(`${this.#prefix}/${key}`).value(value);
  }

  async remove(key: string): Promise<void> {
    await this.#client.delete().key(`${this.#prefix}/${key}`);
  }

  async leases(): Promise<readonly StoredLease[]> {
    const folder = `${this.#prefix}/subnets/`;
    const found = await this.#client.getAll().prefix(folder).strings();
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
    const { kvs } = await this.#client.getAll().prefix(this.#prefix).exec();
    return kvs.map(kv => ({
      key: kv.key.toString(),
      value: kv.value.toString(),
      revision: kv.mod_revision,
      lease: kv.lease === '0' ? undefined : BigInt(kv.lease).toString(16),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }
}

function storedLease(key: string, value: string): StoredLease {
  const record = parseObject(value);
  const text = (name: string) => (typeof record?.[name] === 'string' ? (record[name] as string) : undefined);
  return {
    key,
    value,
    subnet: parseCidr(key.split('&')[0]?.replace('-', '/') ?? ''),
    publicIp: text('PublicIP'),
    backendType: text('BackendType'),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** `10.5.3.0/24` of a lease, or its raw key when that is not a subnet. */
export function leaseText(lease: StoredLease): string {
  return lease.subnet ? formatCidr(lease.subnet) : lease.key;
}

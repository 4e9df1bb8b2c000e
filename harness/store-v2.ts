// The harness's hand in etcd v2, for clusters whose daemons speak only that: the same calls over HTTP.
import { request } from 'node:http';
import { UserError } from '../lib/errors.ts';
import { GaveUp, until } from '../lib/wait.ts';
import { AnyMember } from './any-member.ts';
import type { NetworkConfig } from './cluster-spec.ts';
import { type Entry, Store, type StoredKey } from './store.ts';
import type { StoreEvent } from './store-history.ts';
import { type StoredLease, storedLease } from './stored-lease.ts';

interface Node {
  readonly key: string;
  readonly value?: string;
  readonly modifiedIndex: number;
  readonly createdIndex: number;
  /** Seconds left. */
  readonly ttl?: number;
  readonly nodes?: readonly Node[];
}

/** What only v3 has (transactions, compaction, leases apart from keys) goes on working on v3, beside this. */
export class StoreV2 extends Store {
  readonly #hosts: AnyMember<string>;
  readonly #folder: string;
  /** Milliseconds for one member to answer a question. */
  readonly #patience: number;

  constructor(hosts: readonly string[], prefix: string) {
    super(hosts, prefix);
    const timeout = hosts.length > 1 ? 1500 : 5000;
    this.#hosts = new AnyMember(hosts, {
      probe: host => ask(host, 'GET', '/v2/keys/?quorum=true', { timeout }),
      // What is proposed to a leader that has just gone is never answered.
      isElecting: error => error instanceof NoAnswer,
    });
    this.#patience = timeout;
    this.#folder = `/v2/keys/${prefix.replace(/^\/+/, '')}`;
  }

  override async ready(signal: AbortSignal): Promise<void> {
    const probe = async () => {
      const { status } = await this.#call('GET', '/v2/keys/');
      if (status === 404)
        throw new GaveUp('this etcd has no v2 API', { hint: 'etcd 3.5 or earlier has one' });
      return status === 200 ? true : undefined;
    };
    await until(probe, { what: 'etcd v2 to answer', timeout: 30_000, interval: 20, signal });
  }

  override async config(): Promise<NetworkConfig> {
    return JSON.parse((await this.#read('config'))?.value ?? '');
  }

  override putConfig(config: unknown): Promise<void> {
    return this.put('config', JSON.stringify(config));
  }

  override async put(key: string, value: string, { ttl }: { ttl?: number } = {}): Promise<void> {
    const form = new URLSearchParams({ value, ...(ttl === undefined ? {} : { ttl: String(ttl) }) });
    await this.#call('PUT', `${this.#folder}/${key}`, form.toString());
  }

  override async remove(key: string): Promise<void> {
    await this.#call('DELETE', `${this.#folder}/${key}`);
  }

  override async timeToLive(key: string): Promise<number | undefined> {
    const found = await this.#read(key);
    if (!found) throw new UserError(`${key} is not in etcd`);
    return found.ttl;
  }

  override async entry(key: string): Promise<Entry | undefined> {
    const found = await this.#read(key);
    return found && { value: found.value ?? '', ttl: found.ttl };
  }

  override async replace(key: string, from: Entry | undefined, to: Entry | undefined): Promise<boolean> {
    const condition = new URLSearchParams(from ? { prevValue: from.value } : { prevExist: 'false' });
    const path = `${this.#folder}/${key}?${condition}`;
    const ttl = to?.ttl === undefined ? {} : { ttl: String(to.ttl) };
    const { status } = to
      ? await this.#call('PUT', path, new URLSearchParams({ value: to.value, ...ttl }).toString())
      : await this.#call('DELETE', path);
    return status === 200 || status === 201;
  }

  override async answers(): Promise<boolean> {
    return this.#call('GET', '/v2/keys/?quorum=true').then(
      () => true,
      () => false,
    );
  }

  override async leases(): Promise<readonly StoredLease[]> {
    const nodes = (await this.#read('subnets'))?.nodes ?? [];
    return nodes.map(({ key, value = '' }) => storedLease(key.slice(key.lastIndexOf('/') + 1), value));
  }

  override async dump(): Promise<readonly StoredKey[]> {
    const flat = (node: Node): Node[] => (node.nodes ? node.nodes.flatMap(flat) : [node]);
    const root = await this.#read('');
    return (root ? flat(root) : []).map(({ key, value = '', modifiedIndex, createdIndex }) => ({
      key,
      value,
      revision: String(modifiedIndex),
      created: String(createdIndex),
      lease: undefined,
    }));
  }

  override async history(): Promise<readonly StoreEvent[]> {
    throw new UserError('etcd v2 is not asked for its history');
  }

  async #read(key: string): Promise<Node | undefined> {
    const { status, body } = await this.#call('GET', `${this.#folder}/${key}?recursive=true&quorum=true`);
    return status === 200 ? (JSON.parse(body) as { node: Node }).node : undefined;
  }

  #call(method: string, path: string, form?: string): Promise<Answer> {
    if (method === 'GET')
      return this.#hosts.read(host => ask(host, method, path, { timeout: this.#patience }));
    return this.#hosts.write(host => ask(host, method, path, { form }));
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The member is there, and has no answer: not in time, or not without a leader. */
class NoAnswer extends Error {}

interface AskOptions {
  readonly form?: string | undefined;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Of one member. */
function ask(
  host: string,
  method: string,
  path: string,
  { form, timeout = 5000 }: AskOptions = {},
): Promise<Answer> {
  const place = host.startsWith('unix:')
    ? { socketPath: host.slice('unix:'.length) }
    : { host: new URL(host).hostname, port: new URL(host).port };
  const headers = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    const call = request({ ...place, method, path, headers, timeout, agent: false }, response => {
      let body = '';
      response
        .setEncoding('utf8')
        .on('data', (text: string) => {
          body += text;
        })
        .on('end', () => {
          const { statusCode: status = 0 } = response;
          if (status < 500) resolve({ status, body });
          else reject(new NoAnswer(`etcd v2 says ${status} ${body.trim()}`));
        });
    });
    call.on('error', reject).on('timeout', () => call.destroy(new NoAnswer('etcd v2 does not answer')));
    call.end(form);
  });
}

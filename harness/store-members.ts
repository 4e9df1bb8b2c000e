// The members of etcd as the harness talks to them: one client each, and what an operator does with members.
import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { AnyMember } from './any-member.ts';

/** How long one of several may take to answer, in milliseconds: a question can be asked again, an order cannot. */
const timeouts = { question: 2000, order: 7000 } as const;
const questions = ['range', 'leaseTimeToLive', 'leaseLeases', 'memberList', 'status'];
/** How long something takes to answer that is there, in milliseconds. */
const short = 200;

/** One member in etcd's own list. */
export interface ListedMember {
  readonly id: string;
  /** Empty when it was added and has not started yet. */
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export class StoreMembers {
  readonly any: AnyMember<Etcd3>;
  readonly #clients: ReadonlyMap<string, Etcd3>;
  readonly #key: string;

  /** `hosts`: URLs or `unix:/path`. `key`: any one. */
  constructor(hosts: readonly string[], key: string, moved: () => void) {
    this.#clients = new Map(hosts.map(host => [host, client(host, hosts.length > 1)]));
    this.#key = key;
    this.any = new AnyMember([...this.#clients.values()], {
      probe: etcd => etcd.get(key).exec(),
      isElecting,
      moved,
    });
  }

  /** Whether the members at these hosts, or any one, answer for the whole etcd within a fifth of a second. */
  async answers(hosts: readonly string[] = [...this.#clients.keys()]): Promise<boolean> {
    const deadline = Date.now() + short;
    return this.#asked(hosts, etcd => etcd.get(this.#key).options({ deadline }).exec());
  }

  /** Whether it answers, for itself, within a fifth of a second. */
  async isUp(host: string): Promise<boolean> {
    return this.#asked([host], etcd => etcd.maintenance.status({ deadline: Date.now() + short }));
  }

  /** As etcd has it. */
  async list(): Promise<readonly ListedMember[]> {
    const { members } = await this.any.read(etcd => etcd.cluster.memberList({}));
    return members.map(({ ID, name, peerURLs }) => ({ id: ID, name, peerUrls: peerURLs }));
  }

  /** Puts a new member, which has not started, in the place of the one of that peer URL. */
  async replace(peerUrl: string): Promise<void> {
    const former = (await this.list()).filter(({ peerUrls }) => peerUrls.includes(peerUrl));
    for (const { id } of former) await this.any.write(etcd => etcd.cluster.memberRemove({ ID: id }));
    await this.any.write(etcd => etcd.cluster.memberAdd({ peerURLs: [peerUrl] }));
  }

  close(): void {
    for (const etcd of this.#clients.values()) etcd.close();
  }

  #asked(hosts: readonly string[], ask: (etcd: Etcd3) => PromiseLike<unknown>): Promise<boolean> {
    const asked = hosts.flatMap(host => {
      const etcd = this.#clients.get(host);
      return etcd ? [ask(etcd)] : [];
    });
    return Promise.any(asked).then(
      () => true,
      () => false,
    );
  }
}

/** What etcd's members say while they have no leader, or a new one: some of them nothing. */
function isElecting(error: unknown): boolean {
  return /etcdserver: (leader changed|no leader|not leader|request timed out)|DEADLINE_EXCEEDED/.test(
    String(error),
  );
}

function client(host: string, isOneOfSeveral: boolean): Etcd3 {
  const options: IOptions = {
    hosts: host,
    // Waiting is done by our callers, with a deadline; a circuit that opens by itself only hides etcd's return.
    faultHandling: { host: () => noop, global: noop },
    grpcOptions: {
      'grpc.enable_http_proxy': 0,
      'grpc.initial_reconnect_backoff_ms': 20,
      'grpc.max_reconnect_backoff_ms': 1000,
    },
    ...(isOneOfSeveral
      ? {
          defaultCallOptions: ({ isStream, method }) => {
            const timeout = timeouts[questions.includes(method) ? 'question' : 'order'];
            return isStream ? {} : { deadline: Date.now() + timeout };
          },
        }
      : {}),
  };
  return new Etcd3(options);
}

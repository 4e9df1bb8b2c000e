// Every change of etcd's keys in its order, as far as etcd remembers, and when it was told us.
import type { IWatchResponse, WatchClient } from 'etcd3';

export interface StoreEvent {
  /** Milliseconds since the epoch; undefined for what was there before anybody listened. */
  readonly at: number | undefined;
  readonly revision: number;
  readonly kind: 'put' | 'delete';
  readonly key: string;
  /** Empty for a key that was removed. */
  readonly value: string;
}

/** Of more than these the oldest are forgotten. */
const most = 20_000;
/** Milliseconds until a stream that ended is opened again. */
const pause = 300;

type Stream = Awaited<ReturnType<WatchClient['watch']>>;

/** Listens to all keys from the first revision on, again and again when etcd goes away. */
export class StoreHistory implements Disposable {
  readonly #client: WatchClient;
  readonly #isOurs: (key: string) => boolean;
  #events: StoreEvent[] = [];
  #stream: Stream | undefined;
  #next = 1;
  /** Of the moment the stream was opened: what comes with these is history. */
  #known = 0;
  #closed = false;

  /** `isOurs`: the keys that are kept. */
  constructor(client: WatchClient, isOurs: (key: string) => boolean) {
    this.#client = client;
    this.#isOurs = isOurs;
    void this.#open();
  }

  /** In order; also revisions of before a wipe. */
  get events(): readonly StoreEvent[] {
    return this.#events;
  }

  /** Whether everything up to the revision has come. */
  hasSeen(revision: number): boolean {
    return this.#next > revision;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#stream?.cancel();
  }

  async #open(): Promise<void> {
    if (this.#closed) return;
    try {
      const stream = await this.#client.watch();
      this.#stream = stream;
      if (this.#closed) stream.cancel();
      const ended = (): void => {
        if (this.#stream !== stream) return;
        this.#stream = undefined;
        this.#again();
      };
      stream.on('data', response => this.#take(response, stream));
      stream.on('error', ended);
      stream.on('end', ended);
      const everything = Buffer.from([0]);
      const create_request = { key: everything, range_end: everything, start_revision: this.#next };
      stream.write({ create_request });
    } catch {
      this.#again();
    }
  }

  #again(): void {
    if (!this.#closed) setTimeout(() => this.#open(), pause).unref();
  }

  /** The end of the stream opens the next one. */
  #restart(stream: Stream, revision: number): void {
    this.#next = revision;
    stream.cancel();
  }

  #take(response: IWatchResponse, stream: Stream): void {
    const current = Number(response.header.revision);
    if (response.created) {
      this.#known = current;
      // An etcd that has begun anew counts from the beginning.
      if (current < this.#next - 1) this.#restart(stream, 1);
    }
    if (response.canceled) this.#restart(stream, Number(response.compact_revision) || this.#next);
    const at = performance.timeOrigin + performance.now();
    for (const { type, kv } of response.events ?? []) {
      const revision = Number(kv.mod_revision);
      this.#next = revision + 1;
      const key = kv.key.toString();
      if (!this.#isOurs(key)) continue;
      const kind = type === 'Put' ? 'put' : 'delete';
      this.#events.push({
        at: revision <= this.#known ? undefined : at,
        revision,
        kind,
        key,
        value: kv.value.toString(),
      });
    }
    if (this.#events.length > most) this.#events = this.#events.slice(-most);
  }
}

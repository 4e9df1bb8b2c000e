// Every change of etcd's keys in its order, as far as etcd remembers, and when it was told us.
import type { IDuplexStream, IWatchRequest, IWatchResponse } from 'etcd3';

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

type Stream = IDuplexStream<IWatchRequest, IWatchResponse>;

export interface HistorySource {
  /** A stream of the member in use. */
  readonly watch: () => Promise<Stream>;
  /** The one that etcd as a whole is at. */
  readonly revision: () => Promise<number>;
  /** The keys that are kept. */
  readonly isOurs: (key: string) => boolean;
}

/** Listens to all keys from the first revision on, again and again when etcd goes away. */
export class StoreHistory implements Disposable {
  readonly #source: HistorySource;
  #events: StoreEvent[] = [];
  #stream: Stream | undefined;
  #next = 1;
  /** Of the moment somebody listened first: what comes with these is history. */
  #known: number | undefined;
  #closed = false;

  constructor(source: HistorySource) {
    this.#source = source;
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

  /** The stream is silent when its member has gone without a word; another one goes on where it was. */
  listenElsewhere(): void {
    this.#stream?.cancel();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#stream?.cancel();
  }

  async #open(): Promise<void> {
    if (this.#closed) return;
    try {
      const stream = await this.#source.watch();
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

  /** An etcd that has begun anew counts from the beginning; a member that is behind the others does not. */
  async #lookBack(stream: Stream): Promise<void> {
    const revision = await this.#source.revision().catch(() => undefined);
    if (revision === undefined) stream.cancel();
    else if (revision < this.#next - 1) {
      this.#known = 0;
      this.#restart(stream, 1);
    }
  }

  #take(response: IWatchResponse, stream: Stream): void {
    const current = Number(response.header.revision);
    if (response.created) {
      this.#known ??= current;
      if (current < this.#next - 1) void this.#lookBack(stream);
    }
    if (response.canceled) this.#restart(stream, Number(response.compact_revision) || this.#next);
    const at = performance.timeOrigin + performance.now();
    for (const { type, kv } of response.events ?? []) {
      const revision = Number(kv.mod_revision);
      this.#next = revision + 1;
      const key = kv.key.toString();
      if (!this.#source.isOurs(key)) continue;
      const kind = type === 'Put' ? 'put' : 'delete';
      this.#events.push({
        at: revision <= (this.#known ?? 0) ? undefined : at,
        revision,
        kind,
        key,
        value: kv.value.toString(),
      });
    }
    if (this.#events.length > most) this.#events = this.#events.slice(-most);
  }
}

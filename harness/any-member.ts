// Who of several is asked: a question goes to whoever answers, an order to one that has just answered.
import { sleep } from '../lib/wait.ts';

/** Milliseconds until the next member is asked as well. */
const patience = 100;
/** For so many milliseconds the members may be about to elect a leader: etcd leaves questions of that time open for 7 s. */
const election = 9000;

export interface AnyMemberOptions<C> {
  /** Costs little, and is answered only by a member that can do as it is told. */
  readonly probe: (client: C) => PromiseLike<unknown>;
  /** Whether an error says that they are about to elect a leader; default none does. */
  readonly isElecting?: (error: unknown) => boolean;
  /** Another member is in use than before. */
  readonly moved?: () => void;
}

/** `C`: how one member is talked to. Of one alone nothing but what was asked is asked. */
export class AnyMember<C> {
  readonly #clients: readonly [C, ...C[]];
  readonly #options: AnyMemberOptions<C>;
  #at = 0;

  constructor(clients: readonly C[], options: AnyMemberOptions<C>) {
    const [first, ...others] = clients;
    if (first === undefined) throw new TypeError('etcd without members');
    this.#clients = [first, ...others];
    this.#options = options;
  }

  /** The one that answered last. */
  get current(): C {
    return this.#clients[this.#at] ?? this.#clients[0];
  }

  /** The first answer; the error of the one in use when none answers. What is asked must change nothing. */
  async read<T>(ask: (client: C) => PromiseLike<T>): Promise<T> {
    if (this.#clients.length === 1) return ask(this.current);
    const { isElecting } = this.#options;
    const started = performance.now();
    for (;;) {
      try {
        return await this.#firstOf(ask);
      } catch (error) {
        const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
        const isOver = performance.now() - started > election;
        if (isOver || !isElecting || !errors.some(isElecting)) throw errors[0];
        await sleep(patience);
      }
    }
  }

  /** Rejects with the errors of all, that of the one in use first. */
  async #firstOf<T>(ask: (client: C) => PromiseLike<T>): Promise<T> {
    const all = this.#clients;
    const places = all.map((_, index) => (this.#at + index) % all.length);
    const failures = places.map(() => Promise.withResolvers<void>());
    const answered = new AbortController();
    const attempts = places.map(async (place, turn) => {
      const late = sleep(turn * patience, answered.signal).catch(() => {});
      // When the one before it has failed, nothing is to be waited for.
      await Promise.race([late, turn === 0 ? undefined : failures[turn - 1]?.promise]);
      answered.signal.throwIfAborted();
      try {
        const answer = await ask(all[place] ?? all[0]);
        return { place, answer };
      } catch (error) {
        failures[turn]?.resolve();
        throw error;
      }
    });
    try {
      const { place, answer } = await Promise.any(attempts);
      this.#use(place);
      return answer;
    } finally {
      answered.abort();
    }
  }

  /** Once, and never again on another member: nobody knows whether an order without an answer was carried out. */
  async write<T>(order: (client: C) => PromiseLike<T>): Promise<T> {
    if (this.#clients.length > 1) await this.read(this.#options.probe);
    return order(this.current);
  }

  #use(place: number): void {
    if (place === this.#at) return;
    this.#at = place;
    this.#options.moved?.();
  }
}

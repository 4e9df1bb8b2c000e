// What is done when a check has failed: evidence of that moment first, then going on looking, to tell slow from never.
import type { CheckFailure, Cluster } from '../cluster.ts';
import { Evidence, type EvidenceOptions } from './evidence.ts';
import { slowOrNever } from './later.ts';

/** Seconds from the environment's SLOW_OR_NEVER, default 60, as milliseconds. */
export function patienceFrom(env: NodeJS.ProcessEnv = process.env): number {
  const seconds = Number(env.SLOW_OR_NEVER ?? 60);
  return Number.isFinite(seconds) ? seconds * 1000 : 60_000;
}

export class CheckFailures {
  readonly #options: EvidenceOptions & { readonly signal: AbortSignal; readonly patience: () => number };
  #evidence: Evidence | undefined;
  /** What the evidence is about. */
  #messages: string[] = [];
  #running: Promise<void> | undefined;

  /** `patience`: milliseconds there are to go on looking, asked when it comes to that. */
  constructor(options: EvidenceOptions & { readonly signal: AbortSignal; readonly patience: () => number }) {
    this.#options = options;
  }

  /** For `onCheckFailure`. Checks that fail at the same time share what the first of them finds. */
  readonly take = async (cluster: Cluster, failure: CheckFailure): Promise<void> => {
    if (this.#running) {
      this.#messages.push(failure.error.message);
      return this.#running;
    }
    this.#running = this.#lookInto(cluster, failure);
    await this.#running.finally(() => {
      this.#running = undefined;
    });
  };

  /** What was collected when the check failed that the message is of, else collected now. */
  async evidenceOf(cluster: Cluster, message: string): Promise<Evidence> {
    if (this.#evidence && this.#messages.some(known => message.includes(known))) {
      await this.#evidence.finish(message);
      return this.#evidence;
    }
    await this.discard();
    return Evidence.collect(cluster, message, this.#options);
  }

  /** Of checks whose failure was expected. */
  async discard(): Promise<void> {
    await this.#evidence?.discard();
    this.#evidence = undefined;
  }

  async #lookInto(cluster: Cluster, { error, passes, started }: CheckFailure): Promise<void> {
    const before = this.#evidence;
    this.#messages = [error.message];
    const evidence = await Evidence.collect(cluster, error, this.#options);
    this.#evidence = evidence;
    await before?.discard();
    const { signal, patience } = this.#options;
    const later = await slowOrNever(passes, { patience: patience(), started, signal });
    if (later === undefined) return;
    error.message += `\n${later}`;
    await evidence.lookAgain(later);
  }
}

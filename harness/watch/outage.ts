// Probes of one container to another, and the stretches of time in which none of them was answered.
import type { ProbeReport } from './prober.ts';
import type { Span } from './spans.ts';

/** Times in milliseconds since the epoch; those of probes are when they were sent. */
export interface Outage {
  /** `node1/a`. */
  readonly from: string;
  readonly to: string;
  /** The first probe that was lost. */
  readonly begin: number;
  /** The last one that was. */
  readonly last: number;
  /** The first one after it that was answered; undefined when there was none. */
  readonly end: number | undefined;
  /** Probes lost in between. */
  readonly lost: number;
}

/** What a pair was asked and what came back, from the start of one prober to its end. */
export class ProbeLog {
  readonly from: string;
  readonly to: string;
  /** Times of sending, from number 1 on. */
  readonly #sent: number[] = [];
  readonly #answered = new Set<number>();
  readonly #rewritten = new Set<number>();

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }

  add({ sent, got, rewritten }: Omit<ProbeReport, 'to'>): void {
    for (const [number, at] of sent) this.#sent[number - 1] = at;
    for (const number of got) this.#answered.add(number);
    for (const number of rewritten) this.#rewritten.add(number);
  }

  /** Stretches in which probes arrived with another source address, from the first one to the first that did not. */
  rewritten(): readonly { readonly begin: number; readonly end: number | undefined }[] {
    const found: { begin: number; end: number | undefined }[] = [];
    for (const number of [...this.#answered].toSorted((a, b) => a - b)) {
      const at = this.#sent[number - 1] ?? 0;
      const open = found.at(-1)?.end === undefined ? found.at(-1) : undefined;
      if (this.#rewritten.has(number) && !open) found.push({ begin: at, end: undefined });
      else if (!this.#rewritten.has(number) && open) open.end = at;
    }
    return found;
  }

  get answered(): number {
    return this.#answered.size;
  }

  /** Whether a probe that was sent since then has been answered. */
  answeredSince(since: number): boolean {
    return this.#sent.findLastIndex((at, index) => at >= since && this.#answered.has(index + 1)) >= 0;
  }

  /** Probes sent within that time. */
  sent(since = 0, until = Number.POSITIVE_INFINITY): number {
    return this.#sent.filter(at => at >= since && at <= until).length;
  }

  /**
   * Of probes sent within that time, in order. A probe is lost when it is not answered and a later one is, or when
   * {@link patience} has passed since: before that it is on its way.
   */
  outages(since = 0, until = Number.POSITIVE_INFINITY): readonly Outage[] {
    const { from, to } = this;
    const newest = this.#sent.at(-1) ?? 0;
    const found: Outage[] = [];
    let open: { begin: number; last: number; lost: number } | undefined;
    for (const [index, at] of this.#sent.entries()) {
      if (at < since || at > until) continue;
      if (!this.#answered.has(index + 1)) {
        open = { begin: open?.begin ?? at, last: at, lost: (open?.lost ?? 0) + 1 };
      } else if (open) {
        found.push({ from, to, ...open, end: at });
        open = undefined;
      }
    }
    const isOver = open && newest - open.begin > patience;
    return open && isOver ? [...found, { from, to, ...open, end: undefined }] : found;
  }
}

/** Milliseconds after which an answer is not expected any more. */
const patience = 1000;

/** Outages, and probes whose source address was another on arrival, as problems over time. Pure. */
export function trafficSpans(logs: readonly ProbeLog[], outages: readonly Outage[]): readonly Span[] {
  const invariant = 'containers-reach-each-other';
  const node = (container: string) => container.slice(0, container.indexOf('/'));
  const cut = outages.map(
    ({ from, to, begin, end }) =>
      ({
        invariant,
        node: node(from),
        what: `${from} does not reach ${to}`,
        begin,
        end,
      }) satisfies Span,
  );
  const rewritten = logs.flatMap(log =>
    log.rewritten().map(({ begin, end }) => {
      const what = `${log.from} reaches ${log.to} with another source address`;
      return { invariant, node: node(log.from), what, begin, end } satisfies Span;
    }),
  );
  return [...cut, ...rewritten];
}

// Counts what the data plane does, where the daemon can read it.
import { type Counted, place } from './counters.ts';

export class Tally {
  readonly #counts: Float64Array;

  constructor(counts: SharedArrayBuffer) {
    this.#counts = new Float64Array(counts);
  }

  add(which: Counted, by = 1): void {
    const at = place[which];
    this.#counts[at] = (this.#counts[at] as number) + by;
  }
}

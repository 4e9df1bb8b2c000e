// Probes between containers while something happens, and which of them were lost.
import type { ProbeLog } from './outage.ts';

export interface PingCount {
  readonly sent: number;
  readonly lost: number;
  /** One line for each pair that lost some: `node1/a to node2/a: 3 of 40 (1.204 s after the start, for 0.031 s)`. */
  readonly details: readonly string[];
}

/** Counts what the watch of the cluster sees of its probes, until {@link Pinging.stop}. */
export class Pinging {
  readonly #count: () => Promise<PingCount>;

  constructor(count: () => Promise<PingCount>) {
    this.#count = count;
  }

  stop(): Promise<PingCount> {
    return this.#count();
  }

  /** Of probes sent within that time; one that is still under way is not lost. Pure. */
  static count(logs: readonly ProbeLog[], since: number, until: number): PingCount {
    const counts = logs.map(log => {
      const [sent, outages] = [log.sent(since, until), log.outages(since, until)];
      const lost = outages.reduce((sum, outage) => sum + outage.lost, 0);
      const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(3)} s`;
      const times = outages.map(
        ({ begin, end = until }) => `${seconds(begin - since)} after the start, for ${seconds(end - begin)}`,
      );
      return {
        sent,
        lost,
        detail: `${log.from} to ${log.to}: ${lost} of ${sent} (${times.slice(0, 5).join('; ')})`,
      };
    });
    return {
      sent: counts.reduce((sum, count) => sum + count.sent, 0),
      lost: counts.reduce((sum, count) => sum + count.lost, 0),
      details: counts.filter(count => count.lost > 0).map(count => count.detail),
    };
  }
}

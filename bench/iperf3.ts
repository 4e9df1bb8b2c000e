// What iperf3 prints with --json, as figures.
import { UserError } from '../lib/errors.ts';

/** What arrived. */
export interface Carried {
  readonly bytes: number;
  readonly seconds: number;
  /** Of datagrams; 0 for TCP. */
  readonly lostPercent: number;
}

interface Sum {
  readonly bytes: number;
  readonly seconds: number;
  readonly lost_percent?: number;
}

interface Report {
  readonly error?: string;
  readonly end?: { readonly sum_received?: Sum; readonly sum_received_bidir_reverse?: Sum };
}

/** All streams together, and both directions when there were two. */
export function carried(text: string): Carried {
  const { error, end } = JSON.parse(text) as Report;
  if (error !== undefined) throw new UserError(`iperf3: ${error}`);
  const forth = end?.sum_received;
  if (!forth) throw new UserError('iperf3 does not say what was received');
  const back = end.sum_received_bidir_reverse;
  return {
    bytes: forth.bytes + (back?.bytes ?? 0),
    seconds: forth.seconds,
    lostPercent: forth.lost_percent ?? 0,
  };
}

export function megabitsPerSecond({ bytes, seconds }: Carried): number {
  return (bytes * 8) / 1e6 / seconds;
}

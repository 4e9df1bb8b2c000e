// Several questions to a node or a container with one command, and what iproute2 answers in JSON.
import type { Runner, RunOptions } from '../lib/run.ts';

const separator = '--- next ---';

/** One answer for each question, a line of shell; one that cannot be answered has an empty answer, or half of one. */
export async function ask(
  place: Runner,
  questions: readonly string[],
  options: RunOptions = {},
): Promise<readonly string[]> {
  const script = questions.map(question => `(${question}) 2>/dev/null`).join(`; echo '${separator}'; `);
  const { stdout } = await place.run(['sh', '-c', `${script}; :`], options);
  return stdout.split(`${separator}\n`);
}

/** Some versions print nothing where there is nothing. Throws when it is not JSON. */
export function rows<T>(text = ''): readonly T[] {
  return JSON.parse(text.trim() || '[]') as T[];
}

/** None where the answer is not whole: a node that goes down cuts it short. */
export function rowsIfWhole<T>(text: string | undefined): readonly T[] {
  try {
    return rows(text);
  } catch {
    return [];
  }
}

/** As `ip -j -d address` prints it; only what is looked at. */
export interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly address?: string;
  readonly master?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: {
      readonly id?: number;
      readonly port?: number;
      readonly [other: string]: unknown;
    };
  };
  readonly addr_info?: readonly {
    readonly family: string;
    readonly local: string;
    readonly prefixlen: number;
  }[];
}

/** As `ip -j -4 route` prints it. */
export interface Route {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly metric?: number;
  /** Left out where it is `boot`. */
  readonly protocol?: string;
  readonly flags?: readonly string[];
  /** Left out for the usual ones; `blackhole`, `unreachable`, `prohibit`. */
  readonly type?: string;
}

/** As `ip -j neigh` prints it. */
export interface Neighbour {
  readonly dst: string;
  readonly dev: string;
  readonly lladdr?: string;
  readonly state?: readonly string[];
}

/** As `bridge -j fdb` prints it. */
export interface FdbEntry {
  readonly mac: string;
  readonly ifname: string;
  readonly dst?: string;
}

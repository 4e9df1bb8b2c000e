// How a daemon that is told to end does so: with 0, and in time; pure.

export interface Exit {
  /** When SIGTERM was last sent to it; milliseconds since the epoch, like `since` and `at`. */
  readonly told: number | undefined;
  /** When it was first seen to run. */
  readonly since: number;
  /** When it was first seen not to run any more. */
  readonly at: number;
  /** Undefined when another one runs already, or nobody knows. */
  readonly code: number | undefined;
}

/** Milliseconds that a daemon may take, whatever it waits for; and what looking now and then, on a busy machine, may add. */
const [patience, slack] = [3000, 1000];

/** 143: before it has begun to run, no program can do anything about a signal. */
const afterSigterm = new Set([0, 137, 143]);

/** What was not as it is specified, as ends of a sentence that begins with the daemon. */
export function exitProblems({ told, since, at, code }: Exit): readonly string[] {
  if (told === undefined || told < since || told > at) return [];
  const took = at - told;
  const late = took > patience + slack;
  return [
    ...(late
      ? [`took ${(took / 1000).toFixed(1)} s to end after SIGTERM; it may take ${patience / 1000} s`]
      : []),
    ...(code === undefined || afterSigterm.has(code) ? [] : [`has ended with ${code} after SIGTERM`]),
  ];
}

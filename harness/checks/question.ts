// A check as a question: something to look at, and what is wrong with what was seen.
import { UserError } from '../../lib/errors.ts';
import { until } from '../../lib/wait.ts';

export interface Question<T> {
  readonly look: () => Promise<T>;
  /** One sentence for each thing that is wrong; empty when all is well. */
  readonly judge: (seen: T) => readonly string[];
}

/** Of a look that tells what is wrong by itself. */
export function problemsOf(look: () => Promise<readonly string[]>): Question<readonly string[]> {
  return { look, judge: problems => problems };
}

export async function nothingWrong<T>({ look, judge }: Question<T>): Promise<boolean> {
  return judge(await look()).length === 0;
}

/** Looks until nothing is wrong; the error says what was wrong last. `timeout`: milliseconds. */
export async function untilNothingWrong<T>(
  { look, judge }: Question<T>,
  {
    what,
    timeout,
    signal,
  }: { readonly what: string; readonly timeout: number; readonly signal: AbortSignal },
): Promise<T> {
  let problems: readonly string[] = [];
  const probe = async () => {
    const seen = await look();
    problems = judge(seen);
    return problems.length === 0 ? seen : undefined;
  };
  return until(probe, { what, timeout, signal }).catch(error => {
    throw problems.length > 0 ? new UserError(problems.join('\n'), { cause: error }) : error;
  });
}

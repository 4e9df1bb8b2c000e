// Errors that carry their remedy: what failed, with its values, and the command or change that mends it.

export interface UserErrorOptions {
  /** What the reader should type or change; printed on its own line after the message. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** An error whose message is meant for the user as it stands: no stack is shown for it. */
export class UserError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, { hint, cause }: UserErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'UserError';
    this.hint = hint;
  }
}

/** Bad flags, bad input or a missing prerequisite: the command exits 2. */
export class UsageError extends UserError {
  override readonly name = 'UsageError';
}

/** One line (plus the hint) for any thrown value. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) return error.hint ? `${error.message}\n  ${error.hint}` : error.message;
  return error instanceof Error ? error.message : String(error);
}

/** The nearest of `known` to a mistyped `word`, or undefined when nothing is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map(name => ({ name, distance: editDistance(word, name) }));
  ranked.sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  const limit = Math.min(Math.max(2, Math.floor(word.length / 3)), word.length - 1);
  return best && best.distance <= limit ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

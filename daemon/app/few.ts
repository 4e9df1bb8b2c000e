// Keeps a log readable when many things of a kind happen at once.

/** More than this are counted, not listed. */
export const listed = 8;

/** The lines themselves when they are few; else the first of them and how many more there are. */
export function few(lines: readonly string[]): string[] {
  if (lines.length <= listed) return [...lines];
  return [...lines.slice(0, listed), `and ${lines.length - listed} more`];
}

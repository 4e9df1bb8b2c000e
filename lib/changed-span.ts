// Long lists in which little changes: what differs is found by identity, in a plain loop, and only that is made anew.

export interface ChangedSpan<T> {
  /** How many items both lists begin with. */
  readonly start: number;
  /** What stood between the common beginning and the common end. */
  readonly removed: readonly T[];
  /** What stands there now. */
  readonly added: readonly T[];
}

export function changedSpan<T>(before: readonly T[], after: readonly T[]): ChangedSpan<T> {
  let [from, to] = [before.length, after.length];
  const shorter = Math.min(from, to);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  while (from > start && to > start && before[from - 1] === after[to - 1]) {
    from--;
    to--;
  }
  return { start, removed: before.slice(start, from), added: after.slice(start, to) };
}

/**
 * `list.flatMap(make)` for a list that changes little from call to call; `make` depends on nothing but the item. What
 * stays is copied as a block, which takes next to no time.
 */
export function flatMapper<Of, Made>(
  make: (of: Of) => readonly Made[],
): (list: readonly Of[]) => readonly Made[] {
  let before: readonly Of[] = [];
  let parts: readonly (readonly Made[])[] = [];
  let made: readonly Made[] = [];
  return list => {
    const { start, removed, added } = changedSpan(before, list);
    const fresh = added.map(of => make(of));
    const end = start + removed.length;
    const from = sizeOf(parts.slice(0, start));
    const to = from + sizeOf(parts.slice(start, end));
    made = made.slice(0, from).concat(fresh.flat() as Made[], made.slice(to));
    parts = parts.slice(0, start).concat(fresh, parts.slice(end));
    before = list;
    return made;
  };
}

function sizeOf(parts: readonly (readonly unknown[])[]): number {
  let size = 0;
  for (const { length } of parts) size += length;
  return size;
}

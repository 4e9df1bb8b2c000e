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

/** `list.flatMap(make)` for a list that changes little from call to call; `make` depends on nothing but the item. */
export function flatMapper<Of, Made>(
  make: (of: Of) => readonly Made[],
): (list: readonly Of[]) => readonly Made[] {
  let before: readonly Of[] = [];
  let parts: readonly (readonly Made[])[] = [];
  return list => {
    const { start, removed, added } = changedSpan(before, list);
    const fresh = added.map(of => make(of));
    parts = parts.slice(0, start).concat(fresh, parts.slice(start + removed.length));
    before = list;
    return parts.flat() as Made[];
  };
}

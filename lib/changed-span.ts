// Long lists in which little changes: what differs is found by identity, in a plain loop, and only that is made anew.
// A list made here of another one remembers how, and is not even looked through when it is compared with that one.

export interface ChangedSpan<T> {
  /** How many items both lists begin with. */
  readonly start: number;
  /** What stood between the common beginning and the common end. */
  readonly removed: readonly T[];
  /** What stands there now. */
  readonly added: readonly T[];
}

interface Origin {
  readonly before: readonly unknown[];
  readonly span: ChangedSpan<unknown>;
}

const origins = new WeakMap<readonly unknown[], Origin>();

/** Of a list made by {@link spliced} the span may be longer than it need be: some of what it adds may be what it removes. */
export function changedSpan<T>(before: readonly T[], after: readonly T[]): ChangedSpan<T> {
  if (before === after) return { start: after.length, removed: [], added: [] };
  const origin = origins.get(after);
  if (origin?.before === before) return origin.span as ChangedSpan<T>;
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

/** More arguments than this could be too many for the stack. */
const fewArguments = 1000;

/** `list.toSpliced(start, count, ...added)`, or the list itself where that changes nothing. */
export function spliced<T>(
  list: readonly T[],
  start: number,
  count: number,
  added: readonly T[],
): readonly T[] {
  if (count === 0 && added.length === 0) return list;
  const after =
    added.length < fewArguments
      ? list.toSpliced(start, count, ...added)
      : list.slice(0, start).concat(added, list.slice(start + count));
  const span = { start, removed: list.slice(start, start + count), added };
  // One step back is enough: a longer way would keep every list there ever was.
  origins.delete(list);
  origins.set(after, { before: list, span });
  return after;
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
    // From the nearer end.
    const from =
      start < parts.length / 2 ? sizeOf(parts, 0, start) : made.length - sizeOf(parts, start, parts.length);
    made = spliced(made, from, sizeOf(parts, start, end), fresh.flat() as Made[]);
    parts = spliced(parts, start, end - start, fresh);
    before = list;
    return made;
  };
}

function sizeOf(parts: readonly (readonly unknown[])[], from: number, to: number): number {
  let size = 0;
  for (let at = from; at < to; at++) size += parts[at]?.length ?? 0;
  return size;
}

/** `parts.flat()`, for the same few parts in each call, of which mostly one has changed. */
export function joiner<T>(): (...parts: readonly (readonly T[])[]) => readonly T[] {
  let before: readonly (readonly T[])[] = [];
  let whole: readonly T[] = [];
  return (...parts) => {
    const spans = parts.map((part, at) => changedSpan(before[at] ?? [], part));
    const [changed, ...more] = spans.flatMap(({ removed, added }, at) =>
      removed.length + added.length > 0 ? at : [],
    );
    const span = spans[changed ?? -1];
    if (more.length > 0) whole = parts.flat() as T[];
    else if (changed !== undefined && span) {
      const start = sizeOf(before, 0, changed) + span.start;
      whole = spliced(whole, start, span.removed.length, span.added);
    }
    before = parts;
    return whole;
  };
}

// Where a moment lies on the time axis, and which moments are marked on it; pure.

export interface Scale {
  readonly from: number;
  readonly to: number;
  /** Pixels from the left. */
  x(at: number): number;
}

/** Moments outside are drawn at the nearest edge. */
export function scale(from: number, to: number, left: number, right: number): Scale {
  const span = Math.max(to - from, 1);
  const inside = (at: number) => Math.min(Math.max(at, from), from + span);
  return {
    from,
    to: from + span,
    x: at => round(left + ((inside(at) - from) / span) * (right - left)),
  };
}

/** Round steps of 1, 2 or 5, at most `most` of them, in milliseconds after `from`. */
export function ticks(from: number, to: number, most = 12): readonly number[] {
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= rough) ?? power;
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => index * step);
}

/** `12.34 s`, `3 s` for whole ones. */
export function seconds(milliseconds: number, digits = 2): string {
  return `${(milliseconds / 1000).toFixed(digits)} s`;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export interface Label {
  readonly x: number;
  readonly text: string;
}

/** A label and where it goes: which row, and on which side of its mark. Undefined: there is no room for it. */
export interface Placed<T extends Label> {
  readonly label: T;
  readonly row: number;
  readonly anchor: 'start' | 'end';
  readonly shown: boolean;
}

/** Each label into the first row where it overlaps no other; where no row has room, the mark goes without. */
export function place<T extends Label>(
  labels: readonly T[],
  {
    right,
    rows,
    perCharacter,
  }: { readonly right: number; readonly rows: number; readonly perCharacter: number },
): readonly Placed<T>[] {
  const ends = new Array<number>(rows).fill(Number.NEGATIVE_INFINITY);
  return labels
    .toSorted((a, b) => a.x - b.x)
    .map(label => {
      const width = label.text.length * perCharacter + 14;
      const anchor = label.x + width > right ? 'end' : 'start';
      const [begin, end] =
        anchor === 'start' ? [label.x - 6, label.x + width] : [label.x - width, label.x + 6];
      const row = ends.findIndex(occupied => occupied < begin);
      if (row < 0) return { label, row: 0, anchor, shown: false } as const;
      ends[row] = end;
      return { label, row, anchor, shown: true } as const;
    });
}

// The time axis and its labels.
import { expect, test } from 'vitest';
import { place, scale, ticks } from './scale.ts';

test('moments lie between the edges, and those outside at the nearest one', () => {
  const axis = scale(1000, 3000, 100, 300);
  expect([1000, 2000, 3000, 0, 9000].map(axis.x)).toEqual([100, 200, 300, 100, 300]);
  expect(scale(5, 5, 0, 10).x(5)).toBe(0);
});

test('ticks are round and few', () => {
  expect(ticks(0, 10_000, 12)).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000]);
  expect(ticks(123, 123 + 65_000, 12).at(-1)).toBe(60_000);
  expect(ticks(0, 70, 12)).toHaveLength(8);
});

test('labels never overlap: they go to another row, to the other side of the mark, or are left out', () => {
  const label = (x: number, text = 'twenty characters ..') => ({ x, text });
  const placed = place([label(0), label(10), label(20), label(290)], {
    right: 300,
    rows: 2,
    perCharacter: 6,
  });
  expect(placed.map(({ row, anchor, shown }) => [row, anchor, shown])).toEqual([
    [0, 'start', true],
    [1, 'start', true],
    [0, 'start', false],
    [0, 'end', true],
  ]);
});

// What changed between two lists, put in place of what was there, makes the one of the other; the rest is not looked at.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedSpan, flatMapper } from './changed-span.ts';

const items = Array.from({ length: 6 }, (_, id) => ({ id }));
const lists = fc.array(fc.constantFrom(...items), { maxLength: 8 });

test.each([
  ['nothing', 'abc', 'abc', 3, '', ''],
  ['one in the middle', 'abc', 'aXc', 1, 'b', 'X'],
  ['one more', 'abc', 'abXc', 2, '', 'X'],
  ['one less', 'abc', 'ac', 1, 'b', ''],
  ['one of several equal ones', 'aaa', 'aa', 2, 'a', ''],
  ['all', 'abc', 'XY', 0, 'abc', 'XY'],
])('%s', (_what, before, after, start, removed, added) => {
  expect(changedSpan([...before], [...after])).toEqual({ start, removed: [...removed], added: [...added] });
});

test('the span leads from any list to any other', () => {
  fc.assert(
    fc.property(lists, lists, (before, after) => {
      const { start, removed, added } = changedSpan(before, after);
      expect(before.slice(start, start + removed.length)).toEqual(removed);
      expect(before.toSpliced(start, removed.length, ...added)).toEqual(after);
    }),
  );
});

test('a flat mapper says what flatMap says, list after list', () => {
  const parts = ({ id }: { id: number }) => Array.from({ length: id % 3 }, (_, part) => `${id}.${part}`);
  fc.assert(
    fc.property(fc.array(lists), all => {
      const map = flatMapper(parts);
      for (const list of all) expect(map(list)).toEqual(list.flatMap(parts));
    }),
  );
});

test('a flat mapper keeps what it made of items that stay', () => {
  const map = flatMapper((text: string) => [{ text }]);
  const [a, , c] = map(['a', 'b', 'c']);
  const after = map(['a', 'X', 'Y', 'c']);
  expect(after.map(({ text }) => text).join('')).toBe('aXYc');
  expect(after[0]).toBe(a);
  expect(after[3]).toBe(c);
});

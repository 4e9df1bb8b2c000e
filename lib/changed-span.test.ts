// What changed between two lists, put in place of what was there, makes the one of the other; the rest is not looked at.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedSpan, flatMapper, joiner, spliced } from './changed-span.ts';

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

test('a list spliced from another one leads there, whoever compares, and to no other', () => {
  const splices = fc.array(fc.tuple(fc.nat(8), fc.nat(3), lists), { maxLength: 6 });
  fc.assert(
    fc.property(lists, splices, (first, all) => {
      let list: readonly (typeof items)[number][] = first;
      const seen = [list];
      for (const [start, count, added] of all) {
        const after = spliced(list, start, count, added);
        expect(after).toEqual(list.toSpliced(start, count, ...added));
        list = after;
        seen.push(list);
      }
      for (const before of seen)
        for (const after of seen) {
          const { start, removed, added } = changedSpan(before, after);
          expect(before.slice(start, start + removed.length)).toEqual(removed);
          expect(before.toSpliced(start, removed.length, ...added)).toEqual(after);
        }
    }),
  );
});

test('a joiner says what flat says, and its lists lead to each other', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(lists, lists, lists)), all => {
      const join = joiner<(typeof items)[number]>();
      let before: readonly (typeof items)[number][] = [];
      for (const parts of all) {
        const after = join(...parts);
        expect(after).toEqual(parts.flat());
        const { start, removed, added } = changedSpan(before, after);
        expect(before.toSpliced(start, removed.length, ...added)).toEqual(after);
        before = after;
      }
    }),
  );
});

test('where nothing changes, the list stays the same one', () => {
  const [map, join] = [flatMapper((text: string) => (text === 'none' ? [] : [{ text }])), joiner()];
  const all = ['a', 'b'];
  const made = map(all);
  expect(map([...all])).toBe(made);
  expect(map(['a', 'none', 'b'])).toBe(made);
  const whole = join([1], made);
  expect(join([1], made)).toBe(whole);
  expect(spliced(all, 1, 0, [])).toBe(all);
});

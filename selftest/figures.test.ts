// Figures count what is right; the table marks what is not.
import { expect, test } from 'vitest';
import { type Detail, figuresOf, renderFigures } from './figures.ts';

const detail = (kind: Detail['kind'], ok: boolean, outcome: string): Detail => ({
  kind,
  name: `${kind} of something`,
  ok,
  outcome,
  why: 'because',
  seconds: 1.25,
});
const details = [
  detail('verdict', true, 'right'),
  detail('verdict', false, 'wrong'),
  detail('mutant', true, 'caught'),
  detail('kill', true, 'clean'),
];

test('figures are counts of each kind, with all details', () => {
  expect(figuresOf(details)).toEqual({
    verdicts: { injected: 2, right: 1 },
    mutants: { total: 1, caught: 1 },
    kills: { moments: 1, clean: 1 },
    details,
  });
});

test('the table marks what is wrong and ends with the figures', () => {
  const text = renderFigures(figuresOf(details));
  expect(text).toMatch(/^verdict {2}verdict of something {2}wrong < {2}1\.\d {6}because$/m);
  expect(text.split('\n').at(-1)).toBe(
    'verdicts: 1 of 2 right, mutants: 1 of 1 caught, kills: 1 of 1 left nothing',
  );
});

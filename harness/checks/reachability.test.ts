// The matrix: what counts as wrong, and how it reads.
import { expect, test } from 'vitest';
import type { WorkloadHandle } from '../drivers/driver.ts';
import { allPairsExcept, type Matrix, renderMatrix, wrongCells } from './reachability.ts';

const matrix: Matrix = [
  { from: 'node1/a', to: 'node2/a', expected: 'reached', outcome: 'reached' },
  { from: 'node2/a', to: 'node1/a', expected: 'reached', outcome: 'rewritten' },
];

test('a source address that was rewritten is wrong, and marked', () => {
  expect(wrongCells(matrix)).toEqual([matrix[1]]);
  expect(renderMatrix(matrix)).toBe(
    ['from \\ to  node1/a      node2/a', 'node1/a    ·            ok', 'node2/a    rewritten <  ·'].join(
      '\n',
    ),
  );
});

test('a lost pair that was to be lost is not marked', () => {
  const cut: Matrix = [{ from: 'node1/a', to: 'node2/a', expected: 'lost', outcome: 'lost' }];
  expect(wrongCells(cut)).toEqual([]);
  expect(renderMatrix(cut)).not.toContain('<');
});

test('a node that is cut off is lost both ways, and its namesake with a longer name is not', () => {
  const at = (name: string) => ({ name }) as WorkloadHandle;
  const expected = allPairsExcept([{ name: 'node1' }]);
  expect(expected(at('node1/a'), at('node2/a'))).toBe('lost');
  expect(expected(at('node2/a'), at('node1/a'))).toBe('lost');
  expect(expected(at('node10/a'), at('node2/a'))).toBe('reached');
});

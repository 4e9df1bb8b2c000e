// A verdict that is wrong in any one thing is wrong.
import { expect, test } from 'vitest';
import type { Verdict } from '../verdict.ts';
import { type Expected, mismatches } from './injection.ts';

const expected: Expected = { node: 'node2', cause: 'forward-drop', hop: 'between eth0 and docker0' };
const blame = {
  node: 'node2',
  place: 'node2',
  hop: 'between eth0 and docker0',
  direction: 'request',
  cause: 'forward-drop',
  text: '',
  show: '',
} as const;
const right = { outcome: 'lost', large: false, blame, seconds: 1 } as const;

test('a verdict as expected has no mismatches', () => {
  expect(mismatches(right, expected)).toEqual([]);
  expect(mismatches(right, { node: 'node2', cause: 'forward-drop' })).toEqual([]);
});

test.each<[string, Pick<Verdict, 'outcome' | 'large' | 'blame' | 'seconds'>, string]>([
  ['node', { ...right, blame: { ...blame, node: 'node1' } }, 'node is node1, not node2'],
  ['cause', { ...right, blame: { ...blame, cause: 'no-route' } }, 'cause is no-route, not forward-drop'],
  ['direction', { ...right, blame: { ...blame, direction: 'answer' } }, 'direction is answer, not request'],
  ['hop', { ...right, blame: { ...blame, hop: 'inside' } }, 'hop is inside, not between eth0 and docker0'],
  ['size', { ...right, large: true }, 'large is true, not false'],
  ['time', { ...right, seconds: 3.2 }, 'it took 3.2 s, not less than 3'],
])('a wrong %s is one', (_, verdict, mismatch) => {
  expect(mismatches(verdict, expected)).toEqual([mismatch]);
});

test('containers that reach each other are no verdict on a cause', () => {
  expect(mismatches({ outcome: 'reached', large: false, seconds: 1 }, expected)).toContain(
    'outcome is reached, not lost',
  );
});

test('rewritten sources are not lost packets', () => {
  const masquerade = { ...right, outcome: 'rewritten', blame: { ...blame, cause: 'masquerade' } } as const;
  expect(mismatches(masquerade, { node: 'node2', cause: 'masquerade' })).toEqual([]);
  expect(mismatches({ ...masquerade, outcome: 'lost' }, { node: 'node2', cause: 'masquerade' })).toEqual([
    'outcome is lost, not rewritten',
  ]);
});

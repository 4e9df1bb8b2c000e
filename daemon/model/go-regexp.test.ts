// Patterns as Go reads them: those both languages know alike, and those that are refused instead of misread.
import { expect, test } from 'vitest';
import { compileGoRegExp } from './go-regexp.ts';

test.each([
  ['^eth', 'eth0', true],
  ['^eth', 'veth0', false],
  ['(?i)ETH', 'eth0', true],
  ['ETH', 'eth0', false],
  ['(?is)^E.H', 'e\nh', true],
  ['^(?i:E)th', 'eth0', true],
  ['^10\\.0\\.[0-9]+\\.', '10.0.77.1', true],
  ['\\d$', 'eth0', true],
  ['\\\\A', 'x\\A', true],
  ['^[a\\-z]$', '-', true],
  ['[:e]th', ':th', true],
])('%s on %s: %s', (pattern, text, matches) => expect(compileGoRegExp(pattern).test(text)).toBe(matches));

test.each([
  ['eth[[:digit:]]', '[:digit:]'],
  ['[^x[:^alpha:]]', '[:^alpha:]'],
  ['\\Aeth', '\\A'],
  ['eth0\\z', '\\z'],
  ['\\Qeth.0\\E', '\\Q'],
  ['\\\\\\Q', '\\Q'],
  ['\\pL', '\\p'],
  ['\\PL', '\\P'],
  ['\\x{65}th', '\\x{'],
  ['\\a', '\\a'],
  ['(?U)e+', '(?U'],
  ['(?P<name>eth)', '(?P<'],
])('%s is refused for its %s', (pattern, construct) =>
  expect(() => compileGoRegExp(pattern)).toThrow(`${construct} is not supported`),
);

test('what is no pattern is a SyntaxError', () => {
  expect(() => compileGoRegExp('eth(')).toThrow(SyntaxError);
  expect(() => compileGoRegExp('(?i)[')).toThrow(SyntaxError);
});

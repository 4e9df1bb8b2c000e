// A list of files is worth something only while they exist.
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { longest } from './longest-first.ts';

test('each file that begins first is there', () => {
  expect(longest.filter(path => !existsSync(path))).toEqual([]);
});

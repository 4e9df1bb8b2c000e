// A patch changes one place of one module, and one that finds no place is an error.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { patched, root } from './mutation.ts';

const patch = { module: 'a.ts', find: 'one', replace: '$& two' };

test('the text is replaced as it stands, in its module only', () => {
  expect(patched('a.ts', 'zero one three', [patch])).toBe('zero $& two three');
  expect(patched('b.ts', 'zero one three', [patch])).toBe('zero one three');
});

test('a place that is not there, or there twice, is an error', () => {
  expect(() => patched('a.ts', 'zero', [patch])).toThrow('a.ts has "one" 0 times');
  expect(() => patched('a.ts', 'one one', [patch])).toThrow('a.ts has "one" 2 times');
});

describe.each(mutants)('mutant $name', ({ patches, caughtBy, says }) => {
  test('its patches have their places', () => {
    for (const { module } of patches) {
      const source = readFileSync(join(root, module), 'utf8');
      expect(patched(module, source, patches)).not.toBe(source);
    }
  });

  test('the scenario that must catch it is there, and is said to fail of something', () => {
    expect(readFileSync(join(root, caughtBy.file), 'utf8')).toContain(caughtBy.test);
    expect(''.match(says)).toBeNull();
  });
});

test('no two mutants have one name', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

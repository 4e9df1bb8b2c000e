// What `ip -batch` says of lines that fail.
import { expect, test } from 'vitest';
import { readErrors } from './batch.ts';

test('errors are paired with their lines', () => {
  const stderr =
    'Error: Nexthop has invalid gateway.\nCommand failed -:1\nCannot find device "x"\nCommand failed -:4\nRTNETLINK answers: File exists\nCommand failed -:7\n';
  expect(readErrors(stderr)).toEqual([
    { line: 0, reason: 'Nexthop has invalid gateway' },
    { line: 3, reason: 'Cannot find device "x"' },
    { line: 6, reason: 'File exists' },
  ]);
  expect(readErrors('')).toEqual([]);
});

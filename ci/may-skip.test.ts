// Skipping is allowed by name, and each permission has its reason.
import { expect, test } from 'vitest';
import { maySkip, notAllowed } from './may-skip.ts';

test('what is on the list may be skipped, and nothing else', () => {
  const ipip = 'contract: host skipped: this kernel has no ipip (modprobe ipip) > an ipip device';
  expect(notAllowed([ipip])).toEqual([]);
  const driver = 'scenarios: docker skipped: no Docker engine answers > everything';
  const other = 'contract: iproute2 > a vxlan device';
  expect(notAllowed([ipip, driver, other])).toEqual([driver, other]);
  expect(notAllowed([ipip], [])).toEqual([ipip]);
});

test('every entry gives a reason', () => {
  for (const { because } of maySkip) expect(because.length).toBeGreaterThan(20);
});

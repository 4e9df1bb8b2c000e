// The clock of leases is the kernel's count since boot, which does not stop while the host is suspended.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sinceBoot } from './since-boot.ts';

test('is the time since boot, suspension included', () => {
  const kernels = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const before = kernels();
  const now = sinceBoot();
  expect(now).toBeGreaterThanOrEqual(before - 10);
  expect(now).toBeLessThanOrEqual(kernels() + 10);
});

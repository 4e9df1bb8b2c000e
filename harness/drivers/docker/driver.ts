// The docker driver: nodes are privileged containers that boot systemd.
import type { Driver } from '../driver.ts';

export const docker: Driver = {
  name: 'docker',
  preflight: async () => [{ what: 'not written yet', fix: 'wait' }],
  create: () => Promise.reject(new Error('not written yet')),
  attach: () => Promise.reject(new Error('not written yet')),
  survivors: async () => [],
};

// The benches by name, as `npm run bench -- <name>` takes them.
import type { Bench } from './compare.ts';
import { verifyBench } from './verify.ts';

export const benches: Readonly<Record<string, Bench>> = {
  'verify-netns': verifyBench('netns'),
  'verify-docker': verifyBench('docker'),
};

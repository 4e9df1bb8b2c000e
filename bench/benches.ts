// The benches by name, as `npm run bench -- <name>` takes them.
import type { Bench } from './compare.ts';
import { eventBench } from './event.ts';
import { convergeBench, startBench, stopBench } from './life.ts';
import { idleBench, memoryBench } from './resources.ts';
import { verifyBench } from './verify.ts';

export const benches: Readonly<Record<string, Bench>> = {
  start: startBench,
  'converge-1000': convergeBench(1000),
  'converge-5000': convergeBench(5000),
  event: eventBench,
  rss: memoryBench(3),
  'rss-1000': memoryBench(1000),
  'idle-cpu': idleBench,
  stop: stopBench,
  'verify-netns': verifyBench('netns'),
  'verify-docker': verifyBench('docker'),
};

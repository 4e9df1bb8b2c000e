// What a daemon takes while it has nothing to do: memory and processor time, its child processes included.
import { sleep } from '../lib/wait.ts';
import type { Bench } from './compare.ts';
import { processorMilliseconds, residentMegabytes } from './processes.ts';
import { obstacle, Testbed } from './testbed.ts';

/** Milliseconds after which start-up work is over in any daemon. */
const calm = 3000;
/** Milliseconds; two of the looks at iptables that every flanneld takes by default. */
const idle = 10_000;

export function memoryBench(peers: number): Bench {
  return {
    unit: 'MB',
    what: `resident memory with ${peers} leases, ${calm / 1000} s after the last was programmed`,
    unavailable: () => obstacle('netns'),
    async measure(daemon) {
      await using bed = await Testbed.open(daemon, peers);
      const running = await bed.start();
      await running.settled(peers);
      await sleep(calm);
      return residentMegabytes(running.pid);
    },
  };
}

/** Milliseconds: the first looks at rules and leases are made, and what they need is loaded. */
const rested = 15_000;

export const idleBench: Bench = {
  unit: 'ms',
  what: `processor time in ${idle / 1000} s without events, 3 leases, from ${rested / 1000} s after they were programmed`,
  unavailable: () => obstacle('netns'),
  async measure(daemon) {
    await using bed = await Testbed.open(daemon, 3);
    const running = await bed.start();
    await running.settled(3);
    await sleep(rested);
    const before = processorMilliseconds(running.pid);
    await sleep(idle);
    return processorMilliseconds(running.pid) - before;
  },
};

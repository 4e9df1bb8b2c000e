// The daemon's start and end: until subnet.env is written, until all peers are programmed, from SIGTERM to exit.
import type { Bench } from './compare.ts';
import { obstacle, Testbed } from './testbed.ts';

/** From the start of the process to subnet.env, as the only living node of four. */
export const startBench: Bench = {
  unit: 'ms',
  what: 'process start to subnet.env, 3 leases in etcd',
  unavailable: () => obstacle('netns'),
  async measure(daemon) {
    await using bed = await Testbed.open(daemon, 3);
    const running = await bed.start();
    return (await running.subnetWritten()) - running.started;
  },
};

/** From the start of the process to the last route, neighbour and forwarding entry. */
export function convergeBench(peers: number): Bench {
  return {
    unit: 'ms',
    what: `process start to all of ${peers} peers programmed`,
    unavailable: () => obstacle('netns'),
    async measure(daemon) {
      await using bed = await Testbed.open(daemon, peers);
      const running = await bed.start();
      return (await running.converged(peers)) - running.started;
    },
  };
}

export const stopBench: Bench = {
  unit: 'ms',
  what: 'SIGTERM to exit, 3 leases',
  unavailable: () => obstacle('netns'),
  async measure(daemon) {
    await using bed = await Testbed.open(daemon, 3);
    const running = await bed.start();
    await running.settled(3);
    return running.stop();
  },
};

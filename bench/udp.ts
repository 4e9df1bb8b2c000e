// What backend udp carries between containers of two nodes, how long that takes, and what it costs.
import { type Bench, median, type Unit } from './compare.ts';
import { megabitsPerSecond } from './iperf3.ts';
import { Link, linkObstacle } from './link.ts';

const pings = 200;

/** With nothing else on the link, once it has carried something; all else is told only. */
export const udpLatencyBench = overUdp('ms', `ping round trip, median of ${pings}`, async (link, tell) => {
  const fresh = await link.ping(pings);
  const [beside] = await Promise.all([link.ping(2 * pings), link.stream()]);
  const idle = await link.ping(pings);
  tell(`just started ${median(fresh).toFixed(2)} ms, beside a TCP stream ${median(beside).toFixed(2)} ms`);
  if (idle.length < pings) tell(`${pings - idle.length} of ${pings} pings lost`);
  return median(idle);
});

export const udpProcessorBench = overUdp(
  's/GB',
  'processor time of both daemons for each GB over one TCP stream',
  async link => {
    const { bytes, processorSeconds } = await link.stream();
    return processorSeconds / (bytes / 1e9);
  },
);

export function udpTcpBench(what: string, ...args: readonly string[]): Bench {
  return overUdp('Mbit/s', `TCP, ${what}`, async link => megabitsPerSecond(await link.stream(...args)));
}

export function udpPacketBench(length: number): Bench {
  const what = `datagrams of ${length} bytes that arrive`;
  return overUdp('packets/s', what, async (link, tell) => {
    const { bytes, seconds, lostPercent } = await link.datagrams(length);
    tell(`${lostPercent.toFixed(1)} % of what was sent is lost`);
    return bytes / length / seconds;
  });
}

type Measurement = (link: Link, tell: (text: string) => void) => Promise<number>;

function overUdp(unit: Unit, what: string, measurement: Measurement): Bench {
  return {
    unit,
    what: `${what}, backend udp`,
    unavailable: linkObstacle,
    measure: async (daemon, tell) => {
      await using link = await Link.open(daemon, 'udp');
      return await measurement(link, tell);
    },
  };
}

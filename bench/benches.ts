// The benches by name, as `npm run bench -- <name>` takes them.
import type { Bench } from './compare.ts';
import { eventBench } from './event.ts';
import { convergeBench, startBench, stopBench } from './life.ts';
import { idleBench, memoryBench } from './resources.ts';
import { udpLatencyBench, udpPacketBench, udpProcessorBench, udpTcpBench } from './udp.ts';
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
  'udp-tcp-1': udpTcpBench('one stream'),
  'udp-tcp-8': udpTcpBench('eight streams', '--parallel=8'),
  'udp-tcp-both': udpTcpBench('one stream each way at once', '--bidir'),
  'udp-pps-64': udpPacketBench(64),
  'udp-pps-1400': udpPacketBench(1400),
  'udp-latency': udpLatencyBench,
  'udp-cpu-per-gb': udpProcessorBench,
  'verify-netns': verifyBench('netns'),
  'verify-docker': verifyBench('docker'),
};

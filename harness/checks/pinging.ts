// Pings that go on while something happens, and which of them were lost.
import type { WorkloadHandle } from '../drivers/driver.ts';

/** Milliseconds between two pings of one pair. */
const interval = 20;

export interface PingCount {
  readonly sent: number;
  readonly lost: number;
  /** One line for each pair that lost some: `node1/a to 10.5.3.2: 3 of 40 (icmp_seq 7, 8, 9)`. */
  readonly details: readonly string[];
}

/** Every workload pings every other one, each pair every 20 ms, until {@link Pinging.stop}. */
export class Pinging {
  readonly #workloads: readonly WorkloadHandle[];

  private constructor(workloads: readonly WorkloadHandle[]) {
    this.#workloads = workloads;
  }

  static async start(workloads: readonly WorkloadHandle[]): Promise<Pinging> {
    await Promise.all(
      workloads.map(from => from.run(['sh', '-c', startScript(from, targetsOf(from, workloads))])),
    );
    return new Pinging(workloads);
  }

  async stop(): Promise<PingCount> {
    const counts = await Promise.all(
      this.#workloads.map(async from => {
        const { stdout } = await from.run(['sh', '-c', stopScript(from)]);
        return countAnswers(stdout, from.name);
      }),
    );
    return {
      sent: counts.reduce((sum, count) => sum + count.sent, 0),
      lost: counts.reduce((sum, count) => sum + count.lost, 0),
      details: counts.flatMap(count => count.details),
    };
  }
}

/** From the output of `ping -O` to several targets, each headed by `target <address>`. A ping still under way is not lost. */
export function countAnswers(text: string, from: string): PingCount {
  const counts = text
    .split(/^target /m)
    .slice(1)
    .map(part => {
      const numbers = (pattern: RegExp) =>
        new Set([...part.matchAll(pattern)].map(match => Number(match[1])));
      const answered = numbers(/bytes from .* icmp_seq=(\d+)/g);
      const asked = numbers(/icmp_seq=(\d+)/g);
      const missing = [...asked].filter(number => !answered.has(number));
      const target = part.split('\n', 1)[0];
      const list = missing.slice(0, 10).join(', ');
      return {
        sent: asked.size,
        missing,
        detail: `${from} to ${target}: ${missing.length} of ${asked.size} (icmp_seq ${list})`,
      };
    });
  return {
    sent: counts.reduce((sum, count) => sum + count.sent, 0),
    lost: counts.reduce((sum, count) => sum + count.missing.length, 0),
    details: counts.filter(count => count.missing.length > 0).map(count => count.detail),
  };
}

function targetsOf(from: WorkloadHandle, all: readonly WorkloadHandle[]): readonly string[] {
  return all.filter(other => other !== from).map(other => other.address);
}

/** /run is the node's own on every driver. */
function folderOf(from: WorkloadHandle): string {
  return `/run/pings/${from.name.replace('/', '-')}`;
}

function startScript(from: WorkloadHandle, targets: readonly string[]): string {
  const folder = folderOf(from);
  return `rm -rf ${folder}; mkdir -p ${folder}
for target in ${targets.join(' ')}; do
  setsid ping -n -O -i ${interval / 1000} $target >${folder}/$target 2>&1 </dev/null &
  echo $! >>${folder}/pids
done
for target in ${targets.join(' ')}; do
  tries=0
  until grep -q 'bytes from' ${folder}/$target || [ $tries = 200 ]; do sleep 0.01; tries=$((tries + 1)); done
done`;
}

function stopScript(from: WorkloadHandle): string {
  const folder = folderOf(from);
  return `for pid in $(cat ${folder}/pids); do
  kill -INT $pid
  while [ -d /proc/$pid ] && ! grep -q 'State:.Z' /proc/$pid/status 2>/dev/null; do sleep 0.005; done
done
for file in ${folder}/*.*.*.*; do
  echo "target \${file##*/}"
  cat $file
done`;
}

// Two containers on two nodes of a cluster, and traffic from the one to the other.
import { readFileSync } from 'node:fs';
import { Cluster } from '../harness/cluster.ts';
import { clusterSpec } from '../harness/cluster-spec.ts';
import type { WorkloadHandle } from '../harness/drivers/driver.ts';
import { readyDriver } from '../harness/drivers/index.ts';
import { UserError } from '../lib/errors.ts';
import { findProgram, needProgram } from '../lib/places.ts';
import type { Argv } from '../lib/run.ts';
import { until } from '../lib/wait.ts';
import { type Carried, carried } from './iperf3.ts';
import { roundTrips } from './ping.ts';
import { obstacle } from './testbed.ts';

/** Seconds. */
const counted = 4;
/** Seconds of the same traffic before that: programs compile what they use often. */
const warmUp = 1;

/** Why there can be no link here; undefined when there can. */
export async function linkObstacle(): Promise<string | undefined> {
  const missing = findProgram('iperf3')
    ? undefined
    : 'the program iperf3 is missing (get it with: sh ci/setup --bench)';
  return (await obstacle('netns')) ?? missing;
}

export interface Traffic extends Carried {
  /** What both daemons took for it, with all their threads. */
  readonly processorSeconds: number;
}

export class Link implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #from: WorkloadHandle;
  readonly #to: WorkloadHandle;

  private constructor(cluster: Cluster, from: WorkloadHandle, to: WorkloadHandle) {
    this.#cluster = cluster;
    this.#from = from;
    this.#to = to;
  }

  /** Containers that reach each other, on nodes that both run this daemon with this backend. */
  static async open(daemon: string, backend: string): Promise<Link> {
    const name = `bench-${process.pid}`;
    const spec = clusterSpec({ driver: 'netns', name, nodes: 1, backend, daemons: { default: daemon } });
    const signal = AbortSignal.timeout(120_000);
    const cluster = await Cluster.up(spec, await readyDriver('netns'), { signal });
    try {
      // Go 0.20 overlooks leases that appear while it starts, which is not what is measured.
      await cluster.join();
      await cluster.expectReachable();
      const [from, to] = cluster.workloads;
      if (!from || !to) throw new TypeError('a container is missing');
      await serve(to);
      return new Link(cluster, from, to);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** As much as goes, over TCP; `args` are iperf3's. */
  async stream(...args: readonly string[]): Promise<Traffic> {
    await this.#iperf3(warmUp, args);
    return this.#iperf3(counted, args);
  }

  /** Datagrams of this payload, as many as the sender can make. */
  datagrams(length: number): Promise<Traffic> {
    return this.stream('--udp', '--bitrate=0', `--length=${length}`, `--window=${socketBuffer()}`);
  }

  /** Round trips of the pings that were answered, in milliseconds. */
  async ping(count: number): Promise<readonly number[]> {
    const argv: Argv = ['ping', '-n', '-i', '0.005', '-c', String(count), this.#to.address];
    const times = roundTrips((await this.#from.run(argv, { okCodes: [0, 1] })).stdout);
    if (times.length === 0) throw new UserError(`${this.#to.name} answered none of ${count} pings`);
    return times;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cluster[Symbol.asyncDispose]();
  }

  async #iperf3(seconds: number, args: readonly string[]): Promise<Traffic> {
    const to = [`--client=${this.#to.address}`, `--time=${seconds}`];
    const argv: Argv = [needProgram('iperf3'), '--json', ...to, ...args];
    const watches = await Promise.all(this.#cluster.nodes.map(node => this.#cluster.watchUsage(node)));
    // What went wrong is in the report.
    const { stdout } = await this.#from.run(argv, { okCodes: [0, 1] });
    const used = await Promise.all(watches.map(watch => watch.stop()));
    const processorSeconds = used.reduce((sum, usage) => sum + usage.cpu * usage.seconds, 0);
    return { ...carried(stdout), processorSeconds };
  }
}

/** It ends with the cluster. */
async function serve(workload: WorkloadHandle): Promise<void> {
  await workload.run([needProgram('iperf3'), '--server', '--daemon']);
  const listening = async () => (await workload.run(['ss', '-Hltn', 'sport = 5201'])).stdout || undefined;
  await until(listening, { what: `iperf3 to listen on ${workload.name}`, timeout: 5000, interval: 20 });
}

/** Bytes: as many as the machine allows, up to 4 MB. With the default, how fast the receiver reads is what is measured. */
function socketBuffer(): number {
  const limits = ['rmem_max', 'wmem_max'].map(name => readFileSync(`/proc/sys/net/core/${name}`, 'utf8'));
  return Math.min(4 << 20, ...limits.map(Number));
}

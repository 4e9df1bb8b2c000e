// A netns node: network and mount namespaces held by one sleeping process inside the cluster's PID namespace.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hostIn, parseCidr } from '../../../lib/ip.ts';
import { type Argv, localRunner, quote, type RunOptions, type RunResult } from '../../../lib/run.ts';
import { until } from '../../../lib/wait.ts';
import { now } from '../../journal.ts';
import { dockerEnvFile, dockerEnvKey, mkDockerOptsArgs, subnetFile } from '../../node-files.ts';
import { docker0 } from '../../node-state.ts';
import type { DaemonControl, DaemonState, NodeHandle, NodePlan, WorkloadHandle } from '../driver.ts';
import { NodeOff } from '../node-off.ts';
import { parseBridgeOptions } from './docker-options.ts';
import { enter, type Holder } from './holder.ts';
import {
  dockerBridgeScript,
  nodeScript,
  startScript,
  stopScript,
  type Uplink,
  uplinkScript,
  workloadScript,
} from './scripts.ts';

/** What another process needs to use the node. */
export interface NetnsNodeData {
  readonly plan: NodePlan;
  readonly address: string;
  readonly uplink: Uplink;
  /** PID of the node's sleeping process, as numbered inside the cluster. */
  readonly pid: number;
  readonly workloads: readonly { readonly name: string; readonly address: string }[];
}

/** Node programs are found like root's, and `node` is the one that runs this harness. */
const PATH = `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

export class NetnsNode implements NodeHandle {
  readonly name: string;
  readonly address: string;
  readonly plan: NodePlan;
  readonly daemon: DaemonControl;
  readonly #holder: Holder;
  /** 0 while it is off: no process has that one. */
  #pid: number;
  readonly #uplink: Uplink;
  readonly #workloads: WorkloadHandle[];
  readonly #removed: (node: NetnsNode) => void;

  constructor(holder: Holder, data: NetnsNodeData, removed: (node: NetnsNode) => void) {
    const { plan, address, uplink, pid, workloads } = data;
    this.name = plan.name;
    this.plan = plan;
    this.address = address;
    this.daemon = new NetnsDaemon(this);
    this.#holder = holder;
    this.#pid = pid;
    this.#uplink = uplink;
    this.#removed = removed;
    this.#workloads = workloads.map(workload => this.#workload(workload.name, workload.address));
  }

  get workloads(): readonly WorkloadHandle[] {
    return this.#workloads;
  }

  data(): NetnsNodeData {
    const workloads = this.#workloads.map(({ name, address }) => ({
      name: name.split('/')[1] ?? name,
      address,
    }));
    return { plan: this.plan, address: this.address, uplink: this.#uplink, pid: this.#pid, workloads };
  }

  async run(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
    if (this.#pid === 0) throw new NodeOff(this.name);
    return localRunner.run([...enter(this.#holder, this.#pid), ...argv], {
      ...options,
      env: { PATH, ...options.env },
    });
  }

  /** A file of the node, read without starting a process in it. */
  readFile(path: string): Promise<string> {
    return readFile(`/proc/${this.#holder.pid}/root/proc/${this.#pid}/root${path}`, 'utf8');
  }

  async unplug(): Promise<void> {
    await this.run(['ip', 'link', 'delete', 'eth0']);
  }

  async plug(): Promise<void> {
    const script = `set -e\npid=${this.#pid}\n${uplinkScript(this.#uplink)}`;
    await localRunner.run([...enter(this.#holder), 'sh', '-c', script]);
  }

  async crash(): Promise<void> {
    await this.#end();
    this.#pid = 0;
  }

  async boot(signal: AbortSignal): Promise<void> {
    const script = nodeScript(this.#uplink);
    const { stdout } = await localRunner.run([...enter(this.#holder), 'sh', '-c', script], { signal });
    this.#pid = Number(stdout);
  }

  async dockerReady(signal: AbortSignal): Promise<void> {
    await until(() => this.readFile(subnetFile), {
      what: `${subnetFile} on ${this.name}`,
      timeout: 60_000,
      interval: 20,
      signal,
    });
    await this.run([this.plan.daemon.mkDockerOpts, ...mkDockerOptsArgs], { signal });
    const options = parseBridgeOptions(await this.readFile(dockerEnvFile), dockerEnvKey);
    await this.run(['sh', '-c', dockerBridgeScript(options)], { signal });
  }

  async startWorkload(name: string, signal: AbortSignal): Promise<WorkloadHandle> {
    const bridge = await docker0(this);
    const subnet = bridge && parseCidr(bridge.address);
    if (!subnet)
      throw new Error(
        `docker0 of ${this.name} has ${bridge ? `the address ${bridge.address}` : 'no address'}`,
      );
    const gateway = bridge.address.slice(0, bridge.address.indexOf('/'));
    const former = this.#workloads.findIndex(workload => workload.name === `${this.name}/${name}`);
    const number = former === -1 ? this.#workloads.length : former;
    const address = hostIn(subnet, number + 2);
    const link = `veth-${name}`.slice(0, 15);
    await this.run(['sh', '-c', workloadScript({ name, link, address, gateway, mtu: bridge.mtu })], {
      signal,
    });
    const workload = this.#workload(name, address.split('/')[0] ?? address);
    this.#workloads[number] = workload;
    return workload;
  }

  commandLine(argv: Argv): Argv {
    return [...enter(this.#holder, this.#pid), 'env', `PATH=${PATH}`, `PS1=${this.name}# `, ...argv];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    this.#removed(this);
  }

  async #end(): Promise<void> {
    if (this.#pid === 0) return;
    // The kernel takes a namespace apart when it finds the time; without its link the node is gone at once.
    await this.run(['ip', 'link', 'delete', 'eth0'], { okCodes: [0, 1] });
    // Killing the sleeper does not end what runs in its namespaces, so everything there is found by namespace.
    const sweep = `for proc in /proc/[0-9]*; do
  [ "$(readlink $proc/ns/mnt)" = "$(readlink /proc/${this.#pid}/ns/mnt)" ] && echo \${proc#/proc/}
done | xargs -r kill -9`;
    await localRunner.run([...enter(this.#holder), 'sh', '-c', sweep], { okCodes: [0, 123] });
  }

  #workload(name: string, address: string): WorkloadHandle {
    const inNamespace = ['nsenter', `--net=/run/netns/${name}`, '--'] as const;
    return {
      enter: inNamespace,
      name: `${this.name}/${name}`,
      address,
      run: (argv, options) => this.run([...inNamespace, ...argv], options),
      commandLine: argv => this.commandLine([...inNamespace, ...argv]),
    };
  }
}

class NetnsDaemon implements DaemonControl {
  readonly trail = {
    pids: ['/run/lab/flanneld.pid'],
    log: ['tail', '-n', '+1', '-s', '0.1', '-F', '/run/lab/flanneld.log'],
  } as const;
  readonly #node: NetnsNode;
  toldToEnd: number | undefined;

  constructor(node: NetnsNode) {
    this.#node = node;
  }

  async start(): Promise<void> {
    if ((await this.state()).running) return;
    const { daemon, flags } = this.#node.plan;
    const delay = await this.startDelay();
    const later = delay > 0 ? ['sh', '-c', `sleep ${delay}; exec "$@"`, 'sh'] : [];
    const commandLine = quote([...later, daemon.flanneld, ...flags]);
    await this.#node.run(['sh', '-c', startScript('flanneld', commandLine)]);
  }

  async stop(): Promise<number> {
    return this.#end('TERM');
  }

  async restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#end(signal.slice(3));
    await this.start();
  }

  async kill(): Promise<void> {
    await this.#end('KILL');
  }

  async delayStart(seconds: number): Promise<void> {
    await this.#node.run(['sh', '-c', `echo ${seconds} >/run/lab/flanneld.delay`]);
  }

  async startDelay(): Promise<number> {
    return Number(await this.#node.readFile('/run/lab/flanneld.delay').catch(() => 0));
  }

  async state(): Promise<DaemonState> {
    const read = (kind: string) => this.#node.readFile(`/run/lab/flanneld.${kind}`).catch(() => undefined);
    const [pid, exit] = await Promise.all([read('pid'), read('exit')]);
    if (exit !== undefined) return { running: false, exitCode: Number(exit) };
    return pid === undefined ? { running: false } : { running: true, pid: Number(pid) };
  }

  logs(): Promise<string> {
    return this.#node.readFile('/run/lab/flanneld.log').catch(() => '');
  }

  async #end(signal: string): Promise<number> {
    if (signal === 'TERM') this.toldToEnd = now();
    const { stdout } = await this.#node.run(['sh', '-c', stopScript('flanneld', signal)]);
    return Number(stdout);
  }
}

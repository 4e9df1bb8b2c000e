// A docker node: a privileged container that boots systemd, with the daemon and a Docker engine as its services.
import type Docker from 'dockerode';
import { UserError } from '../../../lib/errors.ts';
import { type Argv, CommandError, type RunOptions, type RunResult } from '../../../lib/run.ts';
import type { DaemonControl, NodeHandle, NodePlan, WorkloadHandle } from '../driver.ts';
import { NodeOff } from '../node-off.ts';
import { Agent } from './agent.ts';
import { containerLog } from './container-log.ts';
import { systemdDaemon } from './daemon.ts';
import { dockerProgram, type Engine } from './engine.ts';
import { removeContainer, tolerate } from './leftovers.ts';

/** What another process needs to use the node. */
export interface DockerNodeData {
  readonly plan: NodePlan;
  readonly address: string;
  readonly container: string;
  readonly workloads: readonly { readonly name: string; readonly address: string }[];
}

/** The engine counts on (eth1, eth2, …), and a link is renamed only while it is down, which costs its routes. */
const nameUplink = `set -e
dev=$(ip -br link | grep -o '^eth[0-9]*')
[ "$dev" != eth0 ] || exit 0
gateway=$(ip -4 route show default | cut -d' ' -f3)
ip link set "$dev" down
ip link set "$dev" name eth0
ip link set eth0 up
ip route replace default via "$gateway"`;

const tools = '/usr/local/lib/flannel-lab';
/** Milliseconds a node's engine may take, from the moment its options are there. */
const dockerPatience = 60_000;

export class DockerNode implements NodeHandle {
  readonly name: string;
  readonly address: string;
  readonly plan: NodePlan;
  readonly daemon: DaemonControl;
  readonly #engine: Engine;
  readonly #network: Docker.Network;
  readonly #container: Docker.Container;
  readonly #agent: Agent;
  readonly #workloads: WorkloadHandle[];
  readonly #removed: (node: DockerNode) => void;

  constructor(engine: Engine, network: string, data: DockerNodeData, removed: (node: DockerNode) => void) {
    const { plan, address, container, workloads } = data;
    this.name = plan.name;
    this.plan = plan;
    this.address = address;
    this.daemon = systemdDaemon(this);
    this.#engine = engine;
    this.#network = engine.docker.getNetwork(network);
    this.#container = engine.docker.getContainer(container);
    this.#agent = new Agent(this.#container, plan.name);
    this.#removed = removed;
    this.#workloads = workloads.map(workload => this.#workload(workload.name, workload.address));
  }

  get workloads(): readonly WorkloadHandle[] {
    return this.#workloads;
  }

  data(): DockerNodeData {
    const workloads = this.#workloads.map(({ name, address }) => ({
      name: name.slice(this.name.length + 1),
      address,
    }));
    return { plan: this.plan, address: this.address, container: this.#container.id, workloads };
  }

  run(argv: Argv, options?: RunOptions): Promise<RunResult> {
    return this.#agent.run(argv, options).catch(async cause => {
      const isOff = cause instanceof CommandError && cause.facts.code === undefined && !(await this.#isOn());
      throw isOff ? new NodeOff(this.name, { cause }) : cause;
    });
  }

  async #isOn(): Promise<boolean> {
    const { State } = await this.#container.inspect();
    return State.Running;
  }

  async unplug(): Promise<void> {
    await this.#network.disconnect({ Container: this.#container.id, Force: true });
  }

  async plug(): Promise<void> {
    const EndpointConfig = { IPAMConfig: { IPv4Address: this.address } };
    await this.#network.connect({ Container: this.#container.id, EndpointConfig });
    await this.run(['sh', '-c', nameUplink]);
  }

  async crash(): Promise<void> {
    await tolerate([409], this.#container.kill());
    await this.#container.wait({ condition: 'not-running' });
  }

  async boot(signal: AbortSignal): Promise<void> {
    await this.#container.start();
    await this.booted(signal);
  }

  /** Resolves when the node's systemd takes orders. */
  async booted(signal: AbortSignal): Promise<void> {
    const wait = 'until [ -S /run/systemd/private ]; do sleep 0.01; done';
    await this.run(['sh', '-c', wait], { signal }).catch(async cause => {
      signal.throwIfAborted();
      const printed = await containerLog(this.#container).catch(() => '');
      const hint = `docker --host ${this.#engine.address} info   # cgroups and security options are the usual suspects`;
      throw new UserError(`systemd does not come up on ${this.name}; it printed:\n${printed}`, {
        cause,
        hint,
      });
    });
  }

  async dockerReady(signal: AbortSignal): Promise<void> {
    // Joins the start that has been waiting since boot for the options file.
    const script = 'systemctl start docker || { journalctl --no-pager -u docker -n 20 -o cat >&2; exit 1; }';
    await this.run(['sh', '-c', script], { signal, timeout: dockerPatience });
  }

  async startWorkload(name: string, signal: AbortSignal): Promise<WorkloadHandle> {
    const former = this.#workloads.findIndex(workload => workload.name === `${this.name}/${name}`);
    if (former !== -1) {
      const clear = `docker rm --force workload-${name} && rm -f /run/lab/workloads/${name}`;
      await this.run(['sh', '-c', clear], { signal, timeout: dockerPatience });
    }
    const { stdout } = await this.run([`${tools}/start-workload`, name], { signal, timeout: dockerPatience });
    const workload = this.#workload(name, stdout.trim());
    this.#workloads[former === -1 ? this.#workloads.length : former] = workload;
    return workload;
  }

  commandLine(argv: Argv, { tty }: { readonly tty: boolean }): Argv {
    const exec = ['exec', '--interactive', ...(tty ? ['--tty'] : []), '--env', `PS1=${this.name}# `];
    return [dockerProgram(), '--host', this.#engine.address, ...exec, this.#container.id, ...argv];
  }

  /** Ends what this process has open towards the node; the node itself stays. */
  close(): void {
    this.#agent.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await removeContainer(this.#container);
    this.#removed(this);
  }

  #workload(name: string, address: string): WorkloadHandle {
    const enter: Argv = [`${tools}/in-workload`, name];
    const within = (argv: Argv): Argv => [...enter, ...argv];
    return {
      enter,
      name: `${this.name}/${name}`,
      address,
      run: (argv, options) => this.run(within(argv), options),
      commandLine: (argv, options) => this.commandLine(within(argv), options),
    };
  }
}

// The backend's commands in the course of a node's life: before the lease, when it is held, for each peer, at the end.
import { Bell } from '../../lib/bell.ts';
import { describeError, UserError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Hooks } from '../backends/backend.ts';
import { PeerQueue, type Targets, type Task } from '../hooks/peer-queue.ts';
import { excerpt, type Shell, type Variables } from '../hooks/shell.ts';
import { networkVariables, nodeVariables, type Target, targetsOf } from '../hooks/targets.ts';
import type { Subnets } from '../model/lease.ts';
import { type NetworkConfig, networksOf } from '../model/network-config.ts';
import type { Peer } from '../model/peers.ts';
import type { HookMemory } from './hook-memory.ts';
import type { Identity } from './identity.ts';

/** Their names in the configuration, which is what log lines call them: their text may hold secrets. */
const names: Readonly<Record<keyof Hooks, string>> = {
  preStartup: 'PreStartupCommand',
  postStartup: 'PostStartupCommand',
  subnetAdd: 'SubnetAddCommand',
  subnetRemove: 'SubnetRemoveCommand',
  shutdown: 'ShutdownCommand',
};
/** What the last command may take, in milliseconds: less than a stop of the whole daemon, so that it is ended with it. */
const shutdownTime = 2500;
const ofPeers = { add: 'subnetAdd', remove: 'subnetRemove' } as const;

export interface HookSetting {
  readonly hooks: Hooks;
  readonly shell: Shell;
  readonly config: NetworkConfig;
  readonly identity: Identity;
  readonly memory: HookMemory;
  readonly log: Logger;
}

export class NodeHooks {
  readonly #setting: HookSetting;
  readonly #changed = new Bell();
  /** The last complaint about each peer, to say it once. */
  readonly #said = new Map<string, string>();
  #subnets: Subnets = {};

  constructor(setting: HookSetting) {
    this.#setting = setting;
  }

  /** Rejects with a UserError when the command fails: nothing is leased then. */
  async beforeLease(signal: AbortSignal): Promise<void> {
    const output = await this.#runOnce('preStartup', {}, signal);
    if (output !== undefined) this.#setting.identity.announce(output);
  }

  /** Rejects with a UserError when the command fails. */
  async leased(subnets: Subnets, signal: AbortSignal): Promise<void> {
    this.#subnets = subnets;
    await this.#runOnce('postStartup', this.#ownVariables(), signal);
  }

  /** What {@link keep} looks at may have changed. */
  trigger(): void {
    this.#changed.ring();
  }

  /** Runs the commands for peers as they come, change and go; rejects with the signal's reason. */
  async keep(peers: () => readonly Peer[], signal: AbortSignal): Promise<never> {
    const queue = new PeerQueue(await this.#setting.memory.read());
    let wanted = targetsOf(peers());
    for (;;) {
      const task = queue.next(wanted, performance.now());
      if (typeof task === 'number') this.#remember(queue.targets);
      const pause = typeof task === 'number' ? task : 0;
      if (await this.#changed.heard(pause, signal)) wanted = targetsOf(peers());
      else if (typeof task !== 'number') await this.#carryOut(task, queue, wanted, signal);
    }
  }

  /** The last command; its failure is logged. */
  async ended(): Promise<void> {
    try {
      const output = await this.#runOnce('shutdown', this.#ownVariables());
      // Whoever takes the network down does so with all its peers.
      if (output !== undefined) this.#remember([]);
    } catch (error) {
      this.#setting.log.error(describeError(error));
    }
  }

  /** Not worth ending for: without it, peers that leave while the daemon is down are not removed. */
  #remember(targets: readonly Target[]): void {
    const { hooks, memory, log } = this.#setting;
    if (hooks.subnetRemove === undefined) return;
    try {
      memory.write(targets);
    } catch (error) {
      log.debug('cannot note down the peers', { error: describeError(error) });
    }
  }

  async #carryOut(task: Task, queue: PeerQueue, wanted: Targets, signal: AbortSignal): Promise<void> {
    const { log } = this.#setting;
    const { verb, target } = task;
    const hook = ofPeers[verb];
    const facts = { subnet: target.variables.SUBNET ?? target.variables.IPV6SUBNET };
    let reason: string | undefined;
    try {
      const output = await this.#run(hook, target.variables, target.data, signal);
      if (output !== undefined)
        log.info(`${names[hook]} done`, { ...facts, output: excerpt(output) || undefined });
    } catch (error) {
      signal.throwIfAborted();
      reason = describeError(error);
    }
    const again = queue.report(task, reason === undefined, wanted, performance.now());
    const say = this.#said.get(target.key) === reason && again ? log.debug : log.error;
    if (reason === undefined) this.#said.delete(target.key);
    else {
      this.#said.set(target.key, reason);
      say(`${names[hook]} failed, ${again ? 'trying on' : 'giving up'}`, { ...facts, reason });
    }
  }

  async #runOnce(hook: keyof Hooks, variables: Variables, signal?: AbortSignal): Promise<string | undefined> {
    const { log } = this.#setting;
    try {
      const output = await this.#run(hook, variables, '', signal);
      if (output !== undefined) log.info(`${names[hook]} done`, { output: excerpt(output) || undefined });
      return output;
    } catch (error) {
      signal?.throwIfAborted();
      throw new UserError(`${names[hook]} ${describeError(error)}`, {
        hint: `run Backend.${names[hook]} of the network configuration by hand, with sh -c`,
      });
    }
  }

  /** Undefined when there is no such command. Upstream ends the input with a newline in any case. */
  async #run(
    hook: keyof Hooks,
    variables: Variables,
    data: string,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const command = this.#setting.hooks[hook];
    if (command === undefined) return undefined;
    const call = {
      variables,
      input: `${data}\n`,
      ...(signal ? { signal } : {}),
      ...(hook === 'shutdown' ? { time: shutdownTime } : {}),
    };
    return this.#setting.shell.run(command, call);
  }

  #ownVariables(): Variables {
    const { config, identity } = this.#setting;
    return {
      ...networkVariables(networksOf(config)),
      ...nodeVariables(this.#subnets, identity.self.publicIps),
    };
  }
}

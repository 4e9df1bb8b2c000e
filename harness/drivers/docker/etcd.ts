// A member of a docker site's etcd: a container at a fixed address of the underlay.
import type Docker from 'dockerode';
import { type Argv, localRunner, type RunOptions, type RunResult } from '../../../lib/run.ts';
import type { EtcdMember, Owner } from '../driver.ts';
import { clientUrl, type EtcdSeat, type EtcdState, memberEnvironment, peerUrl } from '../etcd-seats.ts';
import { containerLog } from './container-log.ts';
import { dockerProgram } from './engine.ts';
import { imageTags } from './images.ts';
import { labelsOf } from './labels.ts';
import { removeContainer, statusOf, tolerate } from './leftovers.ts';
import type { Underlay } from './underlay.ts';

export function containerName(owner: Owner, part: string): string {
  return `flannel-lab-${owner.cluster}-${part}`;
}

/** The whole of which it is a member. */
export interface EtcdPlace {
  readonly underlay: Underlay;
  readonly owner: Owner;
  readonly seats: readonly EtcdSeat[];
}

/**
 * Resolves with the URL this machine reaches it by: its own, or a port of the engine's machine when `publish` asks for one.
 */
export async function startEtcd(
  seat: EtcdSeat,
  { underlay, owner, seats }: EtcdPlace,
  { publish = false, state = 'new' }: { readonly publish?: boolean; readonly state?: EtcdState } = {},
): Promise<string> {
  const [{ startEtcd: start }, { etcd }] = await Promise.all([import('./containers.ts'), imageTags()]);
  const place = {
    name: containerName(owner, seat.name),
    network: underlay.network,
    address: seat.address,
    labels: labelsOf(owner),
  };
  const environment = seats.length === 1 ? {} : memberEnvironment(seat, seats, state);
  const container = await start(etcd, seat.name, place, environment, publish);
  return publish ? `http://${container.getHost()}:${container.getMappedPort(2379)}` : clientUrl(seat);
}

/** What another process needs to reach it. */
export interface DockerEtcdData {
  readonly seat: EtcdSeat;
  readonly host: string;
}

export class DockerEtcd implements EtcdMember {
  readonly name: string;
  readonly endpoint: string;
  readonly peerUrl: string;
  readonly host: string;
  readonly #docker: Docker;
  readonly #seat: EtcdSeat;
  readonly #place: EtcdPlace;

  constructor(docker: Docker, { seat, host }: DockerEtcdData, place: EtcdPlace) {
    this.name = seat.name;
    this.endpoint = clientUrl(seat);
    this.peerUrl = peerUrl(seat);
    this.host = host;
    this.#docker = docker;
    this.#seat = seat;
    this.#place = place;
  }

  run(argv: Argv, { env = {}, ...options }: RunOptions = {}): Promise<RunResult> {
    const words = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
    const name = containerName(this.#place.owner, this.name);
    return localRunner.run([dockerProgram(), 'exec', '--interactive', ...words, name, ...argv], options);
  }

  async isRunning(): Promise<boolean> {
    const found = await this.#container.inspect().catch(() => undefined);
    return found?.State.Running === true;
  }

  async stop(): Promise<void> {
    const container = this.#container;
    await tolerate([404, 409], container.kill());
    // A start in the moment before it is gone would be taken for needless.
    await tolerate([404], container.wait({ condition: 'not-running' }));
  }

  async start(state: EtcdState = 'new'): Promise<void> {
    const container = this.#container;
    const isThere = await container.inspect().then(
      () => true,
      () => false,
    );
    if (isThere) await container.start();
    else await startEtcd(this.#seat, this.#place, { state });
  }

  async pause(): Promise<void> {
    await this.#container.pause();
  }

  async resume(): Promise<void> {
    await this.#container.unpause();
  }

  async wipe(): Promise<void> {
    await removeContainer(this.#container);
  }

  async unplug(): Promise<void> {
    await this.#network.disconnect({ Container: containerName(this.#place.owner, this.name), Force: true });
  }

  async plug(): Promise<void> {
    const EndpointConfig = { IPAMConfig: { IPv4Address: this.#seat.address } };
    const Container = containerName(this.#place.owner, this.name);
    // 403: it is on the network.
    await tolerate([403], this.#network.connect({ Container, EndpointConfig }));
  }

  /** Nothing when its container is gone. */
  logs(): Promise<string> {
    return containerLog(this.#container).catch(error => {
      if (statusOf(error) === 404) return '';
      throw error;
    });
  }

  get #container(): Docker.Container {
    return this.#docker.getContainer(containerName(this.#place.owner, this.name));
  }

  get #network(): Docker.Network {
    return this.#docker.getNetwork(this.#place.underlay.network);
  }
}

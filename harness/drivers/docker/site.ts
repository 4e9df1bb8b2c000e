// A docker site: one network, etcd and the nodes on it, all in one Docker engine.
import type { EtcdMember, NodeHandle, NodePlan, Owner, Site, SiteData, SitePlan } from '../driver.ts';
import { clientUrl, etcdNames } from '../etcd-seats.ts';
import type { Engine } from './engine.ts';
import { containerName, DockerEtcd, type DockerEtcdData, startEtcd } from './etcd.ts';
import { imageTags } from './images.ts';
import { labelsOf } from './labels.ts';
import { findLeftovers } from './leftovers.ts';
import { DockerNode, type DockerNodeData } from './node.ts';
import { addressIn, createUnderlay, isOnThisMachine, type Underlay } from './underlay.ts';

/** .1 is the bridge. */
const firstMember = 2;
const firstNode = 11;

interface DockerSiteData {
  readonly underlay: Underlay;
  readonly etcd: readonly DockerEtcdData[];
  readonly created: number;
  readonly nodes: readonly DockerNodeData[];
}

export class DockerSite implements Site {
  readonly driver = 'docker';
  readonly owner: Owner;
  readonly etcd: readonly EtcdMember[];
  readonly #engine: Engine;
  readonly #underlay: Underlay;
  readonly #members: readonly DockerEtcdData[];
  readonly #nodes: DockerNode[];
  /** Fails when etcd could not be started; whoever adds a node is told. */
  #etcdStarted: Promise<unknown> = Promise.resolve();
  /** Containers that are being made: a disposal waits for them, or would miss them. */
  readonly #making = new Set<Promise<unknown>>();
  /** Nodes ever made: no address is used twice. */
  #created: number;

  private constructor(engine: Engine, owner: Owner, { underlay, etcd, created, nodes }: DockerSiteData) {
    this.owner = owner;
    this.#engine = engine;
    this.#underlay = underlay;
    this.#created = created;
    this.#nodes = nodes.map(data => this.#node(data));
    this.#members = etcd;
    const place = { underlay, owner, seats: etcd.map(({ seat }) => seat) };
    this.etcd = etcd.map(member => new DockerEtcd(engine.docker, member, place));
  }

  static fromData(engine: Engine, owner: Owner, data: SiteData): DockerSite {
    return new DockerSite(engine, owner, data as unknown as DockerSiteData);
  }

  static async create(engine: Engine, plan: SitePlan): Promise<DockerSite> {
    const underlay = await createUnderlay(engine.docker, plan);
    const isHere = isOnThisMachine(underlay);
    const seats = etcdNames(plan.etcdMembers).map((name, at) => ({
      name,
      address: addressIn(underlay, firstMember + at),
    }));
    const place = { underlay, owner: plan.owner, seats };
    const started = allMade(seats.map(seat => startEtcd(seat, place, { publish: !isHere })));
    // With the engine on this machine its addresses are ours to dial, and etcd may take its time to start.
    const hosts = isHere ? seats.map(clientUrl) : await started;
    const etcd = seats.map((seat, at) => ({ seat, host: hosts[at] ?? clientUrl(seat) }));
    const site = new DockerSite(engine, plan.owner, { underlay, etcd, created: 0, nodes: [] });
    site.#etcdStarted = site.#track(started);
    site.#etcdStarted.catch(() => {});
    return site;
  }

  get nodes(): readonly NodeHandle[] {
    return this.#nodes;
  }

  async addNode(plan: NodePlan, signal: AbortSignal): Promise<NodeHandle> {
    signal.throwIfAborted();
    const address = addressIn(this.#underlay, firstNode + this.#created++);
    const [container] = await Promise.all([this.#track(this.#startNode(plan, address)), this.#etcdStarted]);
    const node = this.#node({ plan, address, container, workloads: [] });
    this.#nodes.push(node);
    await node.booted(signal);
    return node;
  }

  data(): SiteData {
    const nodes = this.#nodes.map(node => node.data());
    return { underlay: this.#underlay, etcd: this.#members, created: this.#created, nodes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#making);
    for (const node of this.#nodes) node.close();
    await removeSite(this.#engine, this.owner);
    this.#nodes.length = 0;
  }

  async #startNode(plan: NodePlan, address: string): Promise<string> {
    const [{ startNode }, { node }] = await Promise.all([import('./containers.ts'), imageTags()]);
    const { network } = this.#underlay;
    const name = containerName(this.owner, plan.name);
    const place = { name, network, address, labels: labelsOf(this.owner) };
    return (await startNode(node, plan.name, place, plan)).getId();
  }

  #node(data: DockerNodeData): DockerNode {
    return new DockerNode(this.#engine, this.#underlay.network, data, node =>
      this.#nodes.splice(this.#nodes.indexOf(node), 1),
    );
  }

  async #track<T>(making: Promise<T>): Promise<T> {
    this.#making.add(making);
    return making.finally(() => this.#making.delete(making));
  }
}

/** Rejects only when none of them is being made any more: one that comes later would be left behind. */
async function allMade<T>(making: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(making);
  return Promise.all(making);
}

/** Removes everything of this owner's cluster, whatever of it there is. */
export async function removeSite(engine: Engine, owner: Owner): Promise<void> {
  const found = await findLeftovers(engine.docker, owner.cluster);
  const own = found.filter(part => part.owner.pid === owner.pid && part.owner.startTime === owner.startTime);
  await Promise.all(own.map(part => part.remove()));
}

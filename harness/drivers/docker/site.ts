// A docker site: one network, etcd and the nodes on it, all in one Docker engine.
import type { EtcdControl, NodeHandle, NodePlan, Owner, Site, SiteData, SitePlan } from '../driver.ts';
import type { Engine } from './engine.ts';
import { containerName, etcdControl, etcdLogs, etcdNumber, startEtcd } from './etcd.ts';
import { imageTags } from './images.ts';
import { labelsOf } from './labels.ts';
import { findLeftovers } from './leftovers.ts';
import { DockerNode, type DockerNodeData } from './node.ts';
import { addressIn, createUnderlay, isOnThisMachine, type Underlay } from './underlay.ts';

const firstNode = 11;

interface DockerSiteData {
  readonly underlay: Underlay;
  readonly etcdHost: string;
  readonly created: number;
  readonly nodes: readonly DockerNodeData[];
}

export class DockerSite implements Site {
  readonly driver = 'docker';
  readonly owner: Owner;
  readonly etcdEndpoint: string;
  readonly etcdHost: string;
  readonly etcd: EtcdControl;
  readonly #engine: Engine;
  readonly #underlay: Underlay;
  readonly #nodes: DockerNode[];
  /** Fails when etcd could not be started; whoever adds a node is told. */
  #etcd: Promise<unknown> = Promise.resolve();
  /** Containers that are being made: a disposal waits for them, or would miss them. */
  readonly #making = new Set<Promise<unknown>>();
  /** Nodes ever made: no address is used twice. */
  #created: number;

  private constructor(engine: Engine, owner: Owner, { underlay, etcdHost, created, nodes }: DockerSiteData) {
    this.owner = owner;
    this.#engine = engine;
    this.#underlay = underlay;
    this.#created = created;
    this.#nodes = nodes.map(data => this.#node(data));
    this.etcdEndpoint = `http://${addressIn(underlay, etcdNumber)}:2379`;
    this.etcdHost = etcdHost;
    this.etcd = etcdControl(engine.docker, underlay, owner);
  }

  static fromData(engine: Engine, owner: Owner, data: SiteData): DockerSite {
    return new DockerSite(engine, owner, data as unknown as DockerSiteData);
  }

  static async create(engine: Engine, plan: SitePlan): Promise<DockerSite> {
    const underlay = await createUnderlay(engine.docker, plan);
    const isHere = isOnThisMachine(underlay);
    const etcd = startEtcd(underlay, plan.owner, !isHere);
    // With the engine on this machine its addresses are ours to dial, and etcd may take its time to start.
    const etcdHost = isHere ? `http://${addressIn(underlay, etcdNumber)}:2379` : await etcd;
    const site = new DockerSite(engine, plan.owner, { underlay, etcdHost, created: 0, nodes: [] });
    site.#etcd = site.#track(etcd);
    site.#etcd.catch(() => {});
    return site;
  }

  get nodes(): readonly NodeHandle[] {
    return this.#nodes;
  }

  async addNode(plan: NodePlan, signal: AbortSignal): Promise<NodeHandle> {
    signal.throwIfAborted();
    const address = addressIn(this.#underlay, firstNode + this.#created++);
    const [container] = await Promise.all([this.#track(this.#startNode(plan, address)), this.#etcd]);
    const node = this.#node({ plan, address, container, workloads: [] });
    this.#nodes.push(node);
    await node.booted(signal);
    return node;
  }

  etcdLogs(): Promise<string> {
    return etcdLogs(this.#engine.docker, this.owner);
  }

  data(): SiteData {
    const nodes = this.#nodes.map(node => node.data());
    return { underlay: this.#underlay, etcdHost: this.etcdHost, created: this.#created, nodes };
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

/** Removes everything of this owner's cluster, whatever of it there is. */
export async function removeSite(engine: Engine, owner: Owner): Promise<void> {
  const found = await findLeftovers(engine.docker, owner.cluster);
  const own = found.filter(part => part.owner.pid === owner.pid && part.owner.startTime === owner.startTime);
  await Promise.all(own.map(part => part.remove()));
}

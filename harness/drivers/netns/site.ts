// A netns site: the underlay bridge and etcd live in the holder's own namespaces, nodes hang off the bridge.
import { addressIn, cidr, hostIn } from '../../../lib/ip.ts';
import { localRunner } from '../../../lib/run.ts';
import type { EtcdMember, NodeHandle, NodePlan, Owner, Site, SiteData } from '../driver.ts';
import { etcdNames } from '../etcd-seats.ts';
import { NetnsEtcd } from './etcd.ts';
import { endHolder, enter, type Holder } from './holder.ts';
import { NetnsNode, type NetnsNodeData } from './node.ts';
import { etcdUplinkScript, nodeScript } from './scripts.ts';

/** Inside namespaces nobody else sees, so every cluster uses the same. */
const subnet = cidr({ family: 4, value: 0xc0a84d00n }, 24); // 192.168.77.0/24
const gateway = addressIn(subnet, 1);
/** The same host part in both families. */
const subnet6 = cidr({ family: 6, value: 0xfd00_0077n << 96n }, 64);
const gateway6 = addressIn(subnet6, 1);
const firstMember = 2;
const firstNode = 11;

export const underlay = { gateway: hostIn(subnet, 1), gateway6: hostIn(subnet6, 1) };

interface NetnsSiteData {
  readonly holder: Holder;
  readonly mtu: number;
  readonly etcdMembers: number;
  readonly created: number;
  readonly nodes: readonly NetnsNodeData[];
}

export class NetnsSite implements Site {
  readonly driver = 'netns';
  readonly owner: Owner;
  readonly etcd: readonly EtcdMember[];
  readonly #holder: Holder;
  readonly #mtu: number;
  readonly #nodes: NetnsNode[];
  /** Nodes ever made: neither addresses nor link names are used twice. */
  #created: number;

  constructor(owner: Owner, { holder, mtu, etcdMembers, created, nodes }: NetnsSiteData) {
    this.owner = owner;
    this.#holder = holder;
    this.#mtu = mtu;
    this.#created = created;
    this.#nodes = nodes.map(data => this.#node(data));
    const seats = etcdNames(etcdMembers).map((name, at) => ({
      name,
      address: etcdMembers === 1 ? gateway : addressIn(subnet, firstMember + at),
    }));
    this.etcd = seats.map(seat => new NetnsEtcd(holder, seat, seats));
  }

  static fromData(owner: Owner, data: SiteData): NetnsSite {
    return new NetnsSite(owner, data as unknown as NetnsSiteData);
  }

  get nodes(): readonly NodeHandle[] {
    return this.#nodes;
  }

  /** One etcd alone is in the holder's own namespace; several have a network namespace each, to be cut off one by one. */
  async startEtcd(): Promise<void> {
    const { etcd } = this;
    if (etcd.length > 1) {
      const uplinks = etcd.map(({ name }, at) => ({
        name,
        index: firstMember + at,
        address: hostIn(subnet, firstMember + at),
        mtu: this.#mtu,
      }));
      await this.#run(`set -e\n${uplinks.map(etcdUplinkScript).join('\n')}`);
    }
    await Promise.all(etcd.map(member => member.start()));
  }

  async addNode(plan: NodePlan, signal: AbortSignal): Promise<NodeHandle> {
    const index = firstNode + this.#created++;
    const address = hostIn(subnet, index);
    const address6 = hostIn(subnet6, index);
    const uplink = { name: plan.name, index, address, address6, gateway, gateway6, mtu: this.#mtu };
    const { stdout } = await this.#run(nodeScript(uplink), signal);
    const own = addressIn(subnet, index);
    const node = this.#node({ plan, address: own, uplink, pid: Number(stdout), workloads: [] });
    this.#nodes.push(node);
    return node;
  }

  data(): SiteData {
    const nodes = this.#nodes.map(node => node.data());
    const etcdMembers = this.etcd.length;
    return { holder: this.#holder, mtu: this.#mtu, etcdMembers, created: this.#created, nodes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endHolder(this.#holder);
  }

  #node(data: NetnsNodeData): NetnsNode {
    return new NetnsNode(this.#holder, data, node => this.#nodes.splice(this.#nodes.indexOf(node), 1));
  }

  #run(script: string, signal?: AbortSignal) {
    return localRunner.run([...enter(this.#holder), 'sh', '-c', script], { signal });
  }
}

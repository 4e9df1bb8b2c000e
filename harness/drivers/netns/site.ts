// A netns site: the underlay bridge and etcd live in the holder's own namespaces, nodes hang off the bridge.
import { readFile } from 'node:fs/promises';
import { addressIn, cidr, hostIn } from '../../../lib/ip.ts';
import { needProgram } from '../../../lib/places.ts';
import { localRunner, quote } from '../../../lib/run.ts';
import type { EtcdControl, NodeHandle, NodePlan, Owner, Site, SiteData } from '../driver.ts';
import { endHolder, enter, type Holder } from './holder.ts';
import { NetnsNode, type NetnsNodeData } from './node.ts';
import { nodeScript, startScript, stopScript } from './scripts.ts';

/** Inside namespaces nobody else sees, so every cluster uses the same. */
const subnet = cidr({ family: 4, value: 0xc0a84d00n }, 24); // 192.168.77.0/24
const gateway = addressIn(subnet, 1);
/** The same host part in both families. */
const subnet6 = cidr({ family: 6, value: 0xfd00_0077n << 96n }, 64);
const gateway6 = addressIn(subnet6, 1);
const firstNode = 11;

export const underlay = { gateway: hostIn(subnet, 1), gateway6: hostIn(subnet6, 1) };

interface NetnsSiteData {
  readonly holder: Holder;
  readonly mtu: number;
  readonly created: number;
  readonly nodes: readonly NetnsNodeData[];
}

export class NetnsSite implements Site {
  readonly driver = 'netns';
  readonly owner: Owner;
  readonly etcdEndpoint = `http://${gateway}:2379`;
  readonly etcdHost: string;
  readonly #holder: Holder;
  readonly #mtu: number;
  readonly #nodes: NetnsNode[];
  /** Nodes ever made: neither addresses nor link names are used twice. */
  #created: number;

  constructor(owner: Owner, { holder, mtu, created, nodes }: NetnsSiteData) {
    this.owner = owner;
    this.#holder = holder;
    this.#mtu = mtu;
    this.#created = created;
    this.#nodes = nodes.map(data => this.#node(data));
    this.etcdHost = `unix:/proc/${holder.pid}/root/run/lab/etcd:0`;
  }

  static fromData(owner: Owner, data: SiteData): NetnsSite {
    return new NetnsSite(owner, data as unknown as NetnsSiteData);
  }

  get nodes(): readonly NodeHandle[] {
    return this.#nodes;
  }

  readonly etcd: EtcdControl = {
    start: () => this.startEtcd(),
    stop: () => this.#signalEtcd(stopScript('etcd', 'KILL')),
    pause: () => this.#signalEtcd('kill -STOP "$(cat /run/lab/etcd.pid)"'),
    resume: () => this.#signalEtcd('kill -CONT "$(cat /run/lab/etcd.pid)"'),
    wipe: () => this.#signalEtcd('rm -rf /run/lab/etcd'),
  };

  async startEtcd(): Promise<void> {
    const argv = [
      // For daemons that know nothing newer; etcd 3.6 has it no more and takes no notice.
      ...['env', 'ETCD_ENABLE_V2=true'],
      needProgram('etcd'),
      '--name=etcd',
      '--data-dir=/run/lab/etcd',
      // For the harness, which is outside of the network namespace: a socket file named etcd:0 in the working folder.
      `--listen-client-urls=http://0.0.0.0:2379,unix://etcd:0`,
      `--advertise-client-urls=${this.etcdEndpoint}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
    ];
    // A killed etcd leaves its socket file, and does not start over one.
    await this.#run(`rm -f /run/lab/etcd:0\n${startScript('etcd', quote(argv))}`);
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

  etcdLogs(): Promise<string> {
    return readFile(`/proc/${this.#holder.pid}/root/run/lab/etcd.log`, 'utf8').catch(() => '');
  }

  data(): SiteData {
    const nodes = this.#nodes.map(node => node.data());
    return { holder: this.#holder, mtu: this.#mtu, created: this.#created, nodes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endHolder(this.#holder);
  }

  #node(data: NetnsNodeData): NetnsNode {
    return new NetnsNode(this.#holder, data, node => this.#nodes.splice(this.#nodes.indexOf(node), 1));
  }

  async #signalEtcd(script: string): Promise<void> {
    await this.#run(script);
  }

  #run(script: string, signal?: AbortSignal) {
    return localRunner.run([...enter(this.#holder), 'sh', '-c', script], { signal });
  }
}

// What a measurement runs on: an etcd that holds leases of nodes that do not exist, and one node that does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolveDaemon } from '../harness/daemon-program.ts';
import type { DriverName, NodeHandle, Site } from '../harness/drivers/driver.ts';
import { loadDriver, readyDriver } from '../harness/drivers/index.ts';
import { subnetFile } from '../harness/node-files.ts';
import { ownedHere } from '../harness/owner.ts';
import { Store } from '../harness/store.ts';
import { type Peer, peer, recordOf } from './peers.ts';
import { children } from './processes.ts';
import { Running } from './running.ts';

const prefix = '/coreos.com/network';
/** Room for 65,536 subnets. */
const config = { Network: '10.0.0.0/8', SubnetLen: 24, Backend: { Type: 'vxlan' } };

let opened = 0;

/** Why there can be no clusters of this driver here; undefined when there can. */
export async function obstacle(driver: DriverName): Promise<string | undefined> {
  const problems = await (await loadDriver(driver)).preflight();
  return problems.length > 0 ? problems.map(({ what }) => what).join('; ') : undefined;
}

/** Everything in namespaces of its own, made anew for each measurement: nothing of the one before is left. */
export class Testbed implements AsyncDisposable {
  readonly node: NodeHandle;
  readonly #store: Store;
  readonly #site: Site;

  private constructor(site: Site, store: Store, node: NodeHandle) {
    this.#site = site;
    this.#store = store;
    this.node = node;
  }

  /** With the daemon of this reference installed but not started, and the leases of `peers` nodes in etcd. */
  static async open(daemon: string, peers: number): Promise<Testbed> {
    const signal = AbortSignal.timeout(60_000);
    const driver = await readyDriver('netns');
    const owner = ownedHere(`bench-${process.pid}-${++opened}`, { keep: false });
    const [program, site] = await Promise.all([
      resolveDaemon(daemon),
      driver.create({ owner, mtu: 1500, etcdMembers: 1 }, signal),
    ]);
    const store = new Store(
      site.etcd.map(({ host }) => host),
      prefix,
    );
    try {
      const flags = [
        `-etcd-endpoints=${site.etcd.map(({ endpoint }) => endpoint).join()}`,
        `-etcd-prefix=${prefix}`,
        '-iface=eth0',
        '-ip-masq=true',
        `-subnet-file=${subnetFile}`,
      ];
      const [node] = await Promise.all([
        site.addNode({ name: 'node1', daemon: program, flags, docker: false }, signal),
        store.ready(signal),
      ]);
      await store.putConfig(config);
      await store.putAll(Object.fromEntries(Array.from({ length: peers }, (_, n) => recordOf(peer(n)))));
      return new Testbed(site, store, node);
    } catch (error) {
      await store[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The lease of one more node appears. */
  async join(joining: Peer): Promise<void> {
    const [key, value] = recordOf(joining);
    await this.#store.put(key, value);
  }

  /** Starts the daemon; the way into the namespaces is over before its time begins to count. */
  async start(): Promise<Running> {
    const { daemon, flags } = this.node.plan;
    const script = 'echo; read go; exec "$@" >/run/lab/flanneld.log 2>&1';
    const argv = this.node.commandLine(['sh', '-c', script, 'sh', daemon.flanneld, ...flags], { tty: false });
    const [program, ...args] = argv;
    const entering = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(entering.stdout, 'data');
    const [pid = 0] = children(entering.pid ?? 0);
    const ended = once(entering, 'exit').then(() => performance.now());
    const started = performance.now();
    entering.stdin.write('\n');
    return new Running(this.node, pid, started, ended);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
    await this.#site[Symbol.asyncDispose]();
  }
}

// The vocabulary of faults: `await using _ = await cluster.fault.freeze(node)` breaks, proves it, and mends at the end.
import type { NodeHandle, Site } from '../drivers/driver.ts';
import type { Journal } from '../journal.ts';
import type { Store } from '../store.ts';
import { type Fault, type Injection, inject } from './fault.ts';
import * as host from './host-faults.ts';
import * as network from './network-faults.ts';
import * as processes from './process-faults.ts';

export class Faults {
  readonly #site: Site;
  readonly #store: Store;
  readonly #journal: Journal;
  readonly #signal: AbortSignal;

  constructor(site: Site, store: Store, journal: Journal, signal: AbortSignal) {
    this.#site = site;
    this.#store = store;
    this.#journal = journal;
    this.#signal = signal;
  }

  /** The daemon stands still, as on a suspended host. */
  async freeze(node: NodeHandle): Promise<Fault> {
    return this.#inject(await processes.frozenDaemon(node));
  }

  /** The daemon is killed and stays dead. */
  kill(node: NodeHandle): Promise<Fault> {
    return this.#inject(processes.deadDaemon(node));
  }

  /** etcd crashes; with `wipe` it comes back empty. */
  async stopEtcd({ wipe = false } = {}): Promise<Fault> {
    return this.#etcdFault(processes.stoppedEtcd(this.#site.etcd, this.#etcdAnswers, wipe));
  }

  /** etcd keeps its connections and answers nothing. */
  pauseEtcd(): Promise<Fault> {
    return this.#etcdFault(processes.pausedEtcd(this.#site.etcd, this.#etcdAnswers));
  }

  /** The node does not reach etcd; its peers do. */
  cutEtcd(node: NodeHandle, mode: network.CutMode = 'refuse'): Promise<Fault> {
    return this.#inject(network.cutEtcd(node, this.#site.etcdEndpoint, mode));
  }

  /** The node's open connections to etcd are dead, and nobody tells it; new ones work. */
  async halfOpen(node: NodeHandle): Promise<Fault> {
    return this.#inject(await network.halfOpen(node, this.#site.etcdEndpoint));
  }

  /** The node reaches nobody on the underlay, or not those given, nor they it. */
  isolate(node: NodeHandle, from: readonly NodeHandle[] = []): Promise<Fault> {
    const witness = from[0]?.address ?? new URL(this.#site.etcdEndpoint).hostname;
    return this.#inject(
      network.isolated(
        node,
        witness,
        from.map(({ address }) => address),
      ),
    );
  }

  async linkDown(node: NodeHandle, dev = 'eth0'): Promise<Fault> {
    return this.#inject(await network.linkDown(node, dev));
  }

  /** eth0 disappears with all that stands on it; healed, there is a new one with the same address. */
  unplug(node: NodeHandle): Promise<Fault> {
    return this.#inject(network.unplugged(node));
  }

  /** Policy DROP in FORWARD. */
  dropForwarding(node: NodeHandle): Promise<Fault> {
    return this.#inject(host.droppedForwarding(node));
  }

  /** A REJECT in front of everything else in FORWARD. */
  rejectForwarding(node: NodeHandle): Promise<Fault> {
    return this.#inject(host.rejectedForwarding(node));
  }

  /** Empties a table of the device, once; mending it is up to the daemon. */
  flush(node: NodeHandle, what: host.Flushable, dev: string): Promise<void> {
    this.#journal.note('act', `${what} of ${dev} on ${node.name} are flushed`);
    return host.flush(node, what, dev);
  }

  /** Gives the device another MAC, once, and returns it. */
  changeMac(node: NodeHandle, dev: string): Promise<string> {
    this.#journal.note('act', `${dev} of ${node.name} gets another MAC`);
    return host.changeMac(node, dev);
  }

  #inject(injection: Injection): Promise<Fault> {
    return inject(injection, this.#journal, this.#signal);
  }

  /** Healed only when etcd answers again. */
  #etcdFault(injection: Injection): Promise<Fault> {
    const undo = async () => {
      await injection.undo();
      await this.#store.ready(this.#signal);
    };
    return this.#inject({ ...injection, undo });
  }

  readonly #etcdAnswers = (): Promise<boolean> => this.#store.answers();
}

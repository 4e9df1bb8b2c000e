// A running cluster: etcd, nodes with a daemon, docker0 and a container each, and the checks a scenario asks of it.
import { describeError, UserError } from '../lib/errors.ts';
import { type Cidr, formatCidr } from '../lib/ip.ts';
import { until } from '../lib/wait.ts';
import { overlayProblems } from './checks/overlay.ts';
import { nothingWrong, problemsOf, type Question, untilNothingWrong } from './checks/question.ts';
import {
  allPairs,
  allPairsExcept,
  allPairsMasqueraded,
  type Expectation,
  expectReachable,
  type Matrix,
  sweep,
  wrongCells,
} from './checks/reachability.ts';
import { RouteWatch } from './checks/route-watch.ts';
import { routeProblems } from './checks/routes.ts';
import { collectFacts, type NodeFacts, subnetProblems } from './checks/subnets.ts';
import { UsageWatch } from './checks/usage.ts';
import { type ClusterSpec, nodeName } from './cluster-spec.ts';
import { resolveDaemon } from './daemon-program.ts';
import type { Driver, EtcdMember, NodeHandle, Site, WorkloadHandle } from './drivers/driver.ts';
import { loadDriver } from './drivers/index.ts';
import { startCapture } from './evidence/capture.ts';
import { Memory } from './evidence/memory.ts';
import { type Faults, vocabulary } from './faults/faults.ts';
import type { Scene } from './faults/kind.ts';
import { Journal } from './journal.ts';
import { subnetFile } from './node-files.ts';
import { daemonReady, type SubnetEnv, subnetFileVersion } from './node-state.ts';
import { ownedHere } from './owner.ts';
import { type ClusterRecord, claimName, forget, saveRecord } from './registry.ts';
import { Store } from './store.ts';
import { StoreV2 } from './store-v2.ts';
import { cellLines, verdictsOn } from './trace/failed-cells.ts';
import type { Traceable } from './trace/trace.ts';
import type { Verdict } from './trace/verdict.ts';
import type { Pinging } from './watch/pinging.ts';
import { Watch } from './watch/watch.ts';
import type { WatchSpec } from './watch/watch-spec.ts';

export interface CheckOptions {
  /** These nodes are expected to be cut off from all others. */
  readonly except?: readonly NodeHandle[];
  /** Containers are expected to reach each other, and to be seen with the addresses of their nodes. */
  readonly masqueraded?: boolean;
  /** Milliseconds. Default 10 000. */
  readonly timeout?: number;
}

/** What one more node has of its own. */
export interface NodeExtras {
  /** Daemon reference; default as the specification says. */
  readonly daemon?: string;
  /** After all others. */
  readonly flags?: readonly string[];
}

export class Cluster implements AsyncDisposable {
  readonly spec: ClusterSpec;
  readonly store: Store;
  readonly journal = new Journal();
  /** What can be broken on purpose; each fault is mended when it is disposed of. */
  readonly fault: Faults;
  /** What has been seen of it while all was well. */
  readonly memory = new Memory();
  /** What must hold all the time, and what traffic between containers costs. */
  readonly watch: Watch;
  readonly #site: Site;
  readonly #since: string;
  readonly #signal: AbortSignal;
  readonly #onCheckFailure: UpOptions['onCheckFailure'];
  readonly #remember: boolean;
  #verdicts: readonly Verdict[] = [];

  private constructor(
    site: Site,
    record: ClusterRecord,
    { signal, onCheckFailure, remember = false }: UpOptions,
  ) {
    this.spec = record.spec;
    const StoreOf = record.spec.etcdApi === 2 ? StoreV2 : Store;
    this.store = new StoreOf(
      site.etcd.map(({ host }) => host),
      record.spec.etcdPrefix,
    );
    this.#site = site;
    this.#since = record.since;
    this.#signal = signal;
    this.#onCheckFailure = onCheckFailure;
    this.#remember = remember;
    this.fault = vocabulary(this.scene);
    this.watch = new Watch(this);
  }

  /** Brings a cluster up until every daemon is ready and every workload runs. Failing or aborted, it leaves nothing. */
  static async up(spec: ClusterSpec, driver: Driver, options: UpOptions): Promise<Cluster> {
    const { signal, progress, onFailure } = options;
    const owner = ownedHere(spec.name, { keep: spec.keep });
    const record: ClusterRecord = { spec, owner, since: new Date().toISOString(), making: true };
    await Promise.all(Object.values(spec.daemons).map(resolveDaemon));
    await claimName(record);
    let cluster: Cluster | undefined;
    try {
      const site = await driver.create({ owner, mtu: spec.mtu, etcdMembers: spec.etcdMembers }, signal);
      cluster = new Cluster(site, record, options);
      if (options.watch) cluster.watch.start(options.watch);
      await cluster.#bringUp(progress ?? (() => {}));
      return cluster;
    } catch (error) {
      if (cluster) {
        if (!signal.aborted) await onFailure?.(cluster, error);
        await cluster[Symbol.asyncDispose]();
      }
      await forget(spec.name);
      throw error;
    }
  }

  /** A cluster that another process brought up. */
  static async attach(record: ClusterRecord, signal: AbortSignal): Promise<Cluster> {
    const driver = await loadDriver(record.spec.driver);
    const site = await driver.attach(record.owner, record.site ?? {});
    return new Cluster(site, record, { signal });
  }

  /** In the order of their names. */
  get nodes(): readonly NodeHandle[] {
    return this.#site.nodes.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  }

  get workloads(): readonly WorkloadHandle[] {
    return this.nodes.flatMap(node => node.workloads);
  }

  /** When it was begun, in milliseconds since the epoch. */
  get since(): number {
    return Date.parse(this.#since);
  }

  /** Why cells of the matrix failed that failed last. */
  get verdicts(): readonly Verdict[] {
    return this.#verdicts;
  }

  /** What faults act on. */
  get scene(): Scene {
    const { store, journal } = this;
    return { site: this.#site, store, journal, signal: this.#signal, save: () => this.#save() };
  }

  /** What a tracer looks at. */
  get traceable(): Traceable {
    return { nodes: this.nodes, store: this.store, config: this.spec.config };
  }

  /** The node of that name; throws when there is none. */
  node(name: string): NodeHandle {
    const found = this.nodes.find(node => node.name === name);
    if (!found) throw new UserError(`cluster ${this.spec.name} has no ${name}`);
    return found;
  }

  /** Boots one more node and waits until its workload runs. */
  async join(name = nodeName(this.nodes.length), extras: NodeExtras = {}): Promise<NodeHandle> {
    const node = await this.boot(name, extras);
    await this.#start(node);
    await this.#save();
    this.journal.note('act', `${name} has joined`);
    return node;
  }

  /** Boots one more node, whose daemon is not started. */
  async boot(name = nodeName(this.nodes.length), extras: NodeExtras = {}): Promise<NodeHandle> {
    const node = await this.#boot(name, extras);
    await this.#save();
    return node;
  }

  /** The node goes for good: its daemon stops, its lease is removed, everything of it disappears. */
  async leave(node: NodeHandle): Promise<void> {
    this.journal.note('act', `${node.name} leaves`);
    await node.daemon.stop();
    await this.store.removeLease(node.address);
    await node[Symbol.asyncDispose]();
    await this.#save();
  }

  /** Waits until the daemon of the node has (again) a subnet, and returns what it says of it. */
  subnet(node: NodeHandle): Promise<SubnetEnv> {
    return daemonReady(node, this.#signal);
  }

  /** Every pair of workloads must reach each other, with their own source addresses. */
  async expectReachable(options: CheckOptions = {}): Promise<Matrix> {
    const passes = () => this.#reachableNow(options);
    const matrix = await this.#check('all pairs are as expected', () => this.#reachable(options), passes);
    await this.#wasWell(options);
    return matrix;
  }

  /** Lease, subnet.env and docker0 of each node must be one subnet, and nobody else's. */
  expectUniqueSubnets(timeout = 10_000): Promise<readonly NodeFacts[]> {
    return this.#checkProblems(this.#subnets(this.nodes), 'unique subnets', timeout);
  }

  /**
   * All is as it should be: containers reach each other, subnets are unique, records in etcd tell the devices, and
   * routes, neighbours and forwarding entries are those of the leases and no others.
   */
  async expectConverged({ except = [], timeout = 15_000 }: CheckOptions = {}): Promise<void> {
    const nodes = this.nodes.filter(node => !except.includes(node));
    const [subnets, overlay] = [this.#subnets(nodes), problemsOf(() => overlayProblems(nodes, this.store))];
    const converged = async () => {
      const signal = this.#signal;
      await untilNothingWrong(subnets, { what: 'unique subnets', timeout, signal });
      await untilNothingWrong(overlay, { what: 'routes that are those of the leases', timeout, signal });
      if (this.spec.docker) await this.#reachable({ except, timeout });
    };
    const passes = async () =>
      (await nothingWrong(subnets)) &&
      (await nothingWrong(overlay)) &&
      (!this.spec.docker || (await this.#reachableNow({ except })));
    await this.#check('the cluster has converged', converged, passes);
    await this.#wasWell({ except });
  }

  /** All nodes, or those given, must have a route to the subnet. */
  async expectRoute(subnet: Cidr, nodes = this.nodes, timeout = 10_000): Promise<void> {
    const question = problemsOf(() => routeProblems(nodes, subnet, true));
    await this.#checkProblems(question, `a route to ${formatCidr(subnet)}`, timeout);
  }

  /** No node may have a route to the subnet. */
  async expectNoRoute(subnet: Cidr, nodes = this.nodes, timeout = 10_000): Promise<void> {
    const question = problemsOf(() => routeProblems(nodes, subnet, false));
    await this.#checkProblems(question, `no route to ${formatCidr(subnet)}`, timeout);
  }

  /** Counts the probes of all workloads to all others until the result is stopped. */
  startPinging(): Promise<Pinging> {
    return this.watch.startPinging();
  }

  /** Notes each change of the node's routes until the result is stopped. */
  watchRoutes(node: NodeHandle): Promise<RouteWatch> {
    return RouteWatch.start(node);
  }

  /** What the node's daemon uses and prints, until the result is stopped. */
  watchUsage(node: NodeHandle): Promise<UsageWatch> {
    return UsageWatch.start(node);
  }

  /** Waits until the node's daemon has ended, and returns its exit code. */
  expectEnd(node: NodeHandle, timeout = 10_000): Promise<number> {
    const ended = async () => (await node.daemon.state()).exitCode;
    return until(ended, { what: `the daemon of ${node.name} to end`, timeout, signal: this.#signal });
  }

  /** Ends the daemon with the signal, has it started again and waits until it has written its subnet.env anew. */
  restartDaemon(node: NodeHandle, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.journal.note('act', `the daemon of ${node.name} is restarted after ${signal}`);
    return this.untilSubnetFileWritten(node, () => node.daemon.restart(signal));
  }

  /** Does something and waits until the daemon has written its subnet.env again. */
  async untilSubnetFileWritten(node: NodeHandle, act: () => Promise<void>): Promise<void> {
    const before = await subnetFileVersion(node);
    await act();
    const probe = async () => ((await subnetFileVersion(node)) === before ? undefined : true);
    const what = `the daemon on ${node.name} to write subnet.env`;
    await until(probe, { what, timeout: 30_000, interval: 50, signal: this.#signal });
  }

  /** Waits until the daemon has logged a line that matches, and returns all lines that do. */
  async expectLog(node: NodeHandle, pattern: RegExp, timeout = 10_000): Promise<readonly string[]> {
    const probe = async () => {
      const lines = (await node.daemon.logs()).split('\n').filter(line => pattern.test(line));
      return lines.length > 0 ? lines : undefined;
    };
    const what = `a line like ${pattern} in the log of ${node.name}`;
    return until(probe, { what, timeout, signal: this.#signal });
  }

  /** `etcd` alone, or `etcd1`, `etcd2`, …, each with what it has logged. */
  get etcd(): readonly EtcdMember[] {
    return this.#site.etcd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch.stop();
    await this.store[Symbol.asyncDispose]();
    await this.#site[Symbol.asyncDispose]();
    await forget(this.spec.name);
  }

  async #bringUp(progress: (text: string) => void): Promise<void> {
    await this.#save({ making: true });
    const names = Array.from({ length: this.spec.nodes }, (_, index) => nodeName(index));
    const { bare, docker, config } = this.spec;
    const ready = this.store.ready(this.#signal);
    const configured = bare ? ready : ready.then(() => this.store.putConfig(config));
    const booting = names.map(name => this.#boot(name));
    const [nodes] = await Promise.all([Promise.all(booting), configured]);
    this.store.watchHistory();
    progress(`etcd and ${nodes.length} nodes are up`);
    if (!bare) await Promise.all(nodes.map(node => this.#start(node)));
    if (!bare) progress(docker ? 'daemons, docker0 and containers are up' : 'daemons are ready');
    await this.#save();
  }

  async #boot(name: string, extras: NodeExtras = {}): Promise<NodeHandle> {
    const ref = extras.daemon ?? this.spec.daemons[name] ?? this.spec.daemons.default;
    const daemon = await resolveDaemon(ref);
    const flags = [...this.#flags(), ...(this.spec.nodeFlags[name] ?? []), ...(extras.flags ?? [])];
    const { docker, bare } = this.spec;
    const node = await this.#site.addNode({ name, daemon, flags, docker, bare }, this.#signal);
    if (this.spec.capture) startCapture(node).catch(() => {});
    return node;
  }

  async #start(node: NodeHandle): Promise<void> {
    await node.daemon.start();
    await daemonReady(node, this.#signal);
    await this.watch.sees(node);
    if (!this.spec.docker) return;
    await node.dockerReady(this.#signal);
    await node.startWorkload('a', this.#signal);
  }

  #reachable({ timeout = 10_000, ...options }: CheckOptions): Promise<Matrix> {
    const explain = async (wrong: Matrix) => {
      this.#verdicts = await verdictsOn(this.traceable, wrong);
      return cellLines(this.#verdicts);
    };
    return expectReachable(this.workloads, {
      expected: expectation(options),
      timeout,
      signal: this.#signal,
      explain,
      onSweep: matrix => this.memory.swept(matrix),
    });
  }

  async #reachableNow(options: CheckOptions): Promise<boolean> {
    const matrix = await sweep(this.workloads, expectation(options));
    this.memory.swept(matrix);
    return wrongCells(matrix).length === 0;
  }

  #subnets(nodes: readonly NodeHandle[]): Question<readonly NodeFacts[]> {
    return { look: () => collectFacts(nodes, this.store), judge: subnetProblems };
  }

  /** Notes what a check came to; one that failed is told to whoever wants to look at the cluster as it is now. */
  async #check<T>(what: string, check: () => Promise<T>, passes: () => Promise<boolean>): Promise<T> {
    const started = performance.now();
    this.#verdicts = [];
    try {
      const result = await check();
      this.journal.note('check', what);
      return result;
    } catch (error) {
      this.#signal.throwIfAborted();
      this.journal.note('check', `failed: ${describeError(error).split('\n', 1)[0]}`);
      if (error instanceof Error) await this.#onCheckFailure?.(this, { error, passes, started });
      throw error;
    }
  }

  /** Nodes that are cut off are not what others are to be put beside. */
  async #wasWell({ except = [] }: CheckOptions): Promise<void> {
    if (this.#remember && except.length === 0) await this.memory.good(this.nodes);
  }

  #checkProblems<T>(question: Question<T>, what: string, timeout: number): Promise<T> {
    const check = () => untilNothingWrong(question, { what, timeout, signal: this.#signal });
    return this.#check(what, check, () => nothingWrong(question));
  }

  #flags(): readonly string[] {
    return [
      `-etcd-endpoints=${this.etcd.map(({ endpoint }) => endpoint).join()}`,
      `-etcd-prefix=${this.spec.etcdPrefix}`,
      '-iface=eth0',
      '-ip-masq=true',
      `-subnet-file=${subnetFile}`,
      ...this.spec.flags,
    ];
  }

  #save(state: { making?: true } = {}): Promise<void> {
    const owner = this.#site.owner;
    return saveRecord({ spec: this.spec, owner, since: this.#since, site: this.#site.data(), ...state });
  }
}

function expectation({ except, masqueraded }: CheckOptions): Expectation {
  if (except) return allPairsExcept(except);
  return masqueraded ? allPairsMasqueraded : allPairs;
}

export interface CheckFailure {
  readonly error: Error;
  /** Looks once more: whether the check would pass now. */
  readonly passes: () => Promise<boolean>;
  /** When the check began, by performance.now(). */
  readonly started: number;
}

export interface UpOptions {
  readonly signal: AbortSignal;
  /** Watched from its first node on, in this way. Default: not at all. */
  readonly watch?: WatchSpec | undefined;
  /** Told each stage as it is reached. */
  readonly progress?: ((text: string) => void) | undefined;
  /** Called with what there is of a cluster that could not be brought up, before it is removed. */
  readonly onFailure?: ((cluster: Cluster, error: unknown) => Promise<void>) | undefined;
  /** Called when a check has failed, before the scenario goes on and mends what it broke. */
  readonly onCheckFailure?: ((cluster: Cluster, failure: CheckFailure) => Promise<void>) | undefined;
  /** Whether to keep what nodes look like when all is well, for a later failure to be put beside it. */
  readonly remember?: boolean;
}

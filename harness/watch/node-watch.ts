// One node under watch: its sampler, how it was seen last, what its daemon uses, and the probers of its containers.
import type { NodeHandle, WorkloadHandle } from '../drivers/driver.ts';
import { now } from '../journal.ts';
import { exitProblems } from './exits.ts';
import { forbiddenLines } from './forbidden.ts';
import type { Problem } from './invariants.ts';
import { ProbeLog } from './outage.ts';
import { type ProbeReport, type ProberOrders, proberProgram } from './prober.ts';
import type { Sample } from './samples.ts';
import { parseLine, Sampling } from './sampling.ts';
import { type Budget, UsageBook } from './usage.ts';
import { type NodeView, newView, withSample } from './world.ts';

export interface NodeWatchOptions {
  readonly budget: Budget | undefined;
  readonly allowedLogs: readonly RegExp[];
  /** The view is another one, which may not be judged together with what comes next. */
  readonly changed: (at: number, atOnce: boolean) => void;
  /** A container answers from now on. */
  readonly ready: () => void;
  /** Something happened that must not. */
  readonly happened: (at: number, problem: Problem) => void;
}

/** Milliseconds before what ended is started again: a node that boots cannot run anything yet. */
const pause = 500;

/** Exit codes that a daemon may end with by itself, and that of a killed one. */
const specified = new Set([0, 1, 2, 137]);

export class NodeWatch {
  readonly node: NodeHandle;
  readonly usage: UsageBook;
  readonly #options: NodeWatchOptions;
  readonly #logs: ProbeLog[] = [];
  /** What each prober that runs has been told. */
  readonly #orders = new Map<string, string>();
  /** Of the probers that run, by container and the address probed. */
  readonly #current = new Map<string, ReadonlyMap<string, ProbeLog>>();
  /** Containers whose probers answer. */
  readonly #ready = new Set<WorkloadHandle>();
  readonly #endings = new Set<Promise<void>>();
  readonly #forbidden = new Set<string>();
  #view: NodeView;
  #sampling: Sampling | undefined;
  #startDue = 0;
  /** When the daemon was seen to begin or end last. */
  #runsSince = 0;
  #heard = false;

  constructor(node: NodeHandle, options: NodeWatchOptions) {
    this.node = node;
    this.usage = new UsageBook(node.name, options.budget);
    this.#options = options;
    this.#view = this.#unseen();
  }

  get view(): NodeView {
    return this.#view;
  }

  /** Of all pairs from containers of this node, each time they were probed. */
  get probeLogs(): readonly ProbeLog[] {
    return this.#logs;
  }

  /** Why nothing was ever heard of the node; undefined when it was. */
  get unwatched(): string | undefined {
    if (this.#heard) return undefined;
    return `${this.node.name} could not be watched: ${this.#sampling?.complaint || 'its sampler said nothing'}`;
  }

  /** Containers that can be probed. */
  get ready(): readonly WorkloadHandle[] {
    return this.node.workloads.filter(workload => this.#ready.has(workload));
  }

  /** Starts what does not run (any more): the sampler and, with `probing`, a prober in each container. */
  keepUp(probing: boolean): void {
    if (now() < this.#startDue) return;
    this.#sampling ??= this.#start();
    if (!probing) return;
    for (const workload of this.node.workloads) {
      if (this.#orders.has(workload.name)) continue;
      this.#orders.set(workload.name, '');
      const argv = [...workload.enter, 'node', '-e', proberProgram(workload.address)];
      this.#sampling.tell({ start: workload.name, argv });
    }
  }

  /** Has each container that can probe all of these. `interval`: milliseconds. */
  probe(all: readonly WorkloadHandle[], interval: number): void {
    for (const workload of this.ready) {
      const others = all.filter(other => other !== workload);
      const targets = others.map(other => other.address);
      const line = JSON.stringify({ targets, interval } satisfies ProberOrders);
      if (this.#orders.get(workload.name) === line) continue;
      this.#orders.set(workload.name, line);
      const current = new Map(others.map(other => [other.address, this.#logOf(workload, other)]));
      this.#current.set(workload.name, current);
      this.#sampling?.tell({ tell: workload.name, line });
    }
  }

  /** Resolves when everything there was to see has been seen, or cannot be. */
  async sync(): Promise<void> {
    await this.#sampling?.sync().catch(() => {});
    await Promise.all(this.#endings);
  }

  /** What the daemon has printed and nobody has followed up to now is looked at, too. */
  async lastWords(): Promise<void> {
    const text = await this.node.daemon.logs().catch(() => '');
    this.#readLog(now(), text.split('\n'));
  }

  async end(): Promise<void> {
    await this.#sampling?.end();
  }

  #unseen(): NodeView {
    return newView(this.node.name, this.node.address, this.node.plan.flags);
  }

  #start(): Sampling {
    return new Sampling(this.node, {
      heard: sample => this.#hear(sample),
      ended: () => {
        this.#sampling = undefined;
        this.#startDue = now() + pause;
        this.#orders.clear();
        this.#current.clear();
        this.#ready.clear();
        this.#view = this.#unseen();
        this.#options.changed(now(), false);
      },
    });
  }

  /** A prober goes on counting where it knows the target already. */
  #logOf(from: WorkloadHandle, to: WorkloadHandle): ProbeLog {
    const known = this.#current.get(from.name)?.get(to.address);
    if (known) return known;
    const log = new ProbeLog(from.name, to.name);
    this.#logs.push(log);
    return log;
  }

  #hear(sample: Sample): void {
    this.#heard = true;
    const { at } = sample;
    const { node, usage } = this;
    const tell = (invariant: Problem['invariant']) => (what: string) =>
      this.#options.happened(at, { invariant, node: node.name, what });
    if ('line' in sample) this.#proberSaid(sample.prober, sample.line);
    else if ('gone' in sample) this.#proberGone(sample.gone);
    else if ('ticks' in sample) {
      usage.used(at, sample.ticks, sample.pages, sample.files).forEach(tell('bounded-usage'));
    } else if ('log' in sample) {
      usage.printed(at, sample.log.length).forEach(tell('bounded-usage'));
      this.#readLog(at, sample.log);
    } else {
      if ('pid' in sample) this.#daemonChanged(at, sample.pid, tell('exit-codes'));
      this.#view = withSample(this.#view, sample);
      // Half a file may be whole a moment later.
      this.#options.changed(at, 'file' in sample);
    }
  }

  #readLog(at: number, lines: readonly string[]): void {
    const { name } = this.node;
    for (const line of forbiddenLines(lines, this.#options.allowedLogs)) {
      if (this.#forbidden.has(line)) continue;
      this.#forbidden.add(line);
      this.#options.happened(at, { invariant: 'clean-log', node: name, what: `${name} logs: ${line}` });
    }
  }

  #daemonChanged(at: number, pid: number | null, tell: (what: string) => void): void {
    this.usage.newRun();
    const { name, daemon } = this.node;
    const [since, told] = [this.#runsSince, daemon.toldToEnd];
    const ran = this.#view.pid !== undefined;
    this.#runsSince = at;
    if (!ran) return;
    const ending = (pid === null ? daemon.state() : Promise.resolve(undefined))
      // The node is going, too.
      .catch(() => undefined)
      .then(state => {
        const code = state?.exitCode;
        const problems = exitProblems({ told, since, at, code });
        for (const problem of problems) tell(`the daemon of ${name} ${problem}`);
        if (problems.length === 0 && code !== undefined && !specified.has(code))
          tell(`the daemon of ${name} has ended with ${code}`);
      })
      .finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
  }

  #proberSaid(name: string, line: string): void {
    if (line === 'ready') {
      for (const workload of this.node.workloads) if (workload.name === name) this.#ready.add(workload);
      this.#options.ready();
    } else {
      const report = parseLine<ProbeReport>(line);
      if (report) this.#current.get(name)?.get(report.to)?.add(report);
    }
  }

  #proberGone(name: string): void {
    this.#orders.delete(name);
    this.#current.delete(name);
    for (const workload of this.#ready) if (workload.name === name) this.#ready.delete(workload);
    this.#startDue = now() + pause;
  }
}

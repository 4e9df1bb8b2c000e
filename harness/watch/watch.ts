// Watches a cluster while a scenario runs: all invariants all the time, and what traffic between containers costs.
import { UserError } from '../../lib/errors.ts';
import { until } from '../../lib/wait.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { faultWindows, now } from '../journal.ts';
import { disturbances, excuses } from './disturbance.ts';
import type { InvariantName, Problem } from './invariants.ts';
import { judge } from './judges.ts';
import { LeaseFollower } from './lease-follower.ts';
import { NodeWatch } from './node-watch.ts';
import { trafficSpans } from './outage.ts';
import { Pinging } from './pinging.ts';
import type { WatchReport } from './report.ts';
import { type Allowance, type Span, Spans, violations } from './spans.ts';
import { type Budget, strictBudget } from './usage.ts';
import type { Watched, WatchSpec } from './watch-spec.ts';

/** Milliseconds between two probes of one pair, where there are few pairs. */
const probeInterval = 10;
const unlimited: Budget = {
  cpu: Number.POSITIVE_INFINITY,
  rss: Number.POSITIVE_INFINITY,
  files: Number.POSITIVE_INFINITY,
  logLines: Number.POSITIVE_INFINITY,
};

export class Watch {
  readonly #cluster: Watched;
  readonly #allowances: Allowance[] = [];
  readonly #spans = new Spans();
  readonly #happened: Span[] = [];
  readonly #nodes = new Map<NodeHandle, NodeWatch>();
  readonly #leases: LeaseFollower;
  #spec: WatchSpec = {};
  #from = 0;
  #timer: NodeJS.Timeout | undefined;
  #judging: NodeJS.Timeout | undefined;
  #seenAt = 0;
  #interval = probeInterval;
  #report: WatchReport | undefined;

  constructor(cluster: Watched) {
    this.#cluster = cluster;
    this.#leases = new LeaseFollower(cluster.store, at => this.#changed(at));
  }

  /** Whether it has ever been started. */
  get wasStarted(): boolean {
    return this.#from > 0;
  }

  /** From now on nodes are watched as they appear. */
  start(spec: WatchSpec): void {
    this.#spec = spec;
    this.#from = now();
    for (const [invariant, why = ''] of Object.entries(spec.allow ?? {}))
      this.#allowances.push({
        invariant: invariant as InvariantName,
        why,
        from: 0,
        to: Number.POSITIVE_INFINITY,
      });
    this.#timer = setInterval(() => this.#keepUp(), 100);
    this.#leases.start(() => this.#watchedNow.map(({ view }) => view));
    this.#keepUp();
  }

  /** Resolves when the node is seen, if anything is watched; whoever never is seen is told of in the report. */
  async sees(node: NodeHandle): Promise<void> {
    if (!this.#timer) return;
    const seen = async () => (this.#nodes.get(node)?.unwatched === undefined ? true : undefined);
    this.#keepUp();
    await until(seen, { what: `a sampler on ${node.name}`, timeout: 10_000, interval: 20 }).catch(() => {});
  }

  /** From here to the end, or until it is disposed of, the invariant may not hold; `why` is for the report. */
  allow(invariant: InvariantName, why: string): Disposable {
    const allowance = { invariant, why, from: now(), to: Number.POSITIVE_INFINITY };
    this.#allowances.push(allowance);
    return {
      [Symbol.dispose]: () => {
        allowance.to = now();
      },
    };
  }

  /** What has been found so far, up to this moment. */
  async report(): Promise<WatchReport> {
    if (this.#report) return this.#report;
    await this.#sync();
    return this.#sum(now());
  }

  /** The same, once and for all: nothing is watched any more, and what was found is noted in the journal. */
  async end(): Promise<WatchReport> {
    if (this.#report) return this.#report;
    await this.#sync();
    await Promise.all(this.#watchedNow.map(node => node.lastWords()));
    const report = this.#sum(now());
    await this.stop();
    this.#report = report;
    const { journal } = this.#cluster;
    for (const { at, invariant, what, allowed } of report.violations)
      if (allowed === undefined) journal.note('violation', `${invariant}: ${what}`, at);
    for (const { from, to, begin, end, lost } of report.outages) {
      journal.note('traffic', `${from} does not reach ${to}: ${lost} probes lost`, begin);
      if (end !== undefined) journal.note('traffic', `${from} reaches ${to} again`, end);
    }
    return report;
  }

  /** Nothing is summed up. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#judging);
    this.#timer = undefined;
    this.#leases.stop();
    await Promise.all([...this.#nodes.values()].map(node => node.end()));
  }

  /** Counts probes between the containers there are, from when this resolves: each pair has been answered. */
  async startPinging(): Promise<Pinging> {
    if (!this.#timer || this.#spec.traffic === false)
      throw new UserError('containers do not probe each other here', {
        hint: 'say nothing of `watch` in the spec, or not `traffic: false`',
      });
    const asked = now();
    const { workloads } = this.#cluster;
    const pairs = new Set(
      workloads.flatMap(from => workloads.filter(to => to !== from).map(to => `${from.name} ${to.name}`)),
    );
    const mine = () => this.#logs.filter(({ from, to }) => pairs.has(`${from} ${to}`));
    const answered = async () => {
      const done = mine().filter(log => log.answeredSince(asked));
      return new Set(done.map(({ from, to }) => `${from} ${to}`)).size === pairs.size ? true : undefined;
    };
    await until(answered, { what: 'an answer to each container', timeout: 10_000, interval: 20 });
    const since = now();
    return new Pinging(async () => {
      await this.#sync();
      return Pinging.count(mine(), since, now());
    });
  }

  get #logs() {
    return [...this.#nodes.values()].flatMap(({ probeLogs }) => probeLogs);
  }

  get #watchedNow(): readonly NodeWatch[] {
    return this.#cluster.nodes.flatMap(node => this.#nodes.get(node) ?? []);
  }

  /** Nodes and containers come and go. */
  #keepUp(): void {
    for (const node of this.#cluster.nodes) {
      if (!this.#nodes.has(node)) this.#nodes.set(node, this.#nodeWatch(node));
      this.#nodes.get(node)?.keepUp(this.#spec.traffic !== false);
    }
    const ready = this.#watchedNow.flatMap(node => node.ready);
    // A thousand probes a second are what a machine has to spare.
    this.#interval = Math.max(probeInterval, ready.length * (ready.length - 1));
    for (const node of this.#watchedNow) node.probe(ready, this.#interval);
  }

  #nodeWatch(node: NodeHandle): NodeWatch {
    const usual = node.plan.daemon.ref === 'ts' ? strictBudget : unlimited;
    return new NodeWatch(node, {
      budget: { ...usual, ...this.#spec.budget },
      allowedLogs: this.#spec.allowLogs ?? [],
      changed: (at, atOnce) => {
        this.#changed(at);
        if (atOnce) this.#judge();
      },
      ready: () => this.#keepUp(),
      happened: (at, problem) => this.#happened.push({ ...problem, begin: at, end: at }),
    });
  }

  /** What comes together is judged together. */
  #changed(at: number): void {
    if (!this.#timer) return;
    this.#seenAt = Math.max(this.#seenAt, at);
    this.#judging ??= setTimeout(() => this.#judge(), 10);
  }

  #judge(): void {
    clearTimeout(this.#judging);
    this.#judging = undefined;
    const nodes = this.#watchedNow.map(({ view }) => view);
    const { leases, left } = this.#leases;
    const problems: readonly Problem[] = judge({ config: this.#cluster.spec.config, leases, left, nodes });
    this.#spans.update(this.#seenAt, problems);
  }

  async #sync(): Promise<void> {
    if (!this.#timer) return;
    this.#keepUp();
    await Promise.all([this.#leases.sync(), ...this.#watchedNow.map(node => node.sync())]);
    this.#judge();
  }

  #sum(to: number): WatchReport {
    const { happenings } = this.#cluster.journal;
    const logs = this.#logs;
    const outages = logs.flatMap(log => log.outages()).toSorted((a, b) => a.begin - b.begin);
    const states = this.#spans.all;
    const spans = [...states, ...this.#happened, ...trafficSpans(logs, outages)];
    const circumstances = {
      backend: this.#cluster.spec.config.Backend.Type,
      excuses: excuses(happenings),
      allowances: this.#allowances,
      faults: faultWindows(happenings),
      until: to,
    };
    const watches = [...this.#nodes.values()];
    return {
      from: this.#from,
      to,
      violations: violations(spans, circumstances),
      disturbances: disturbances(happenings, outages, states, to),
      outages,
      probes: {
        sent: logs.reduce((sum, log) => sum + log.sent(), 0),
        answered: logs.reduce((sum, log) => sum + log.answered, 0),
        interval: this.#interval,
      },
      usage: watches.map(({ usage }) => usage.usage),
      unwatched: watches.flatMap(({ unwatched }) => unwatched ?? []),
    };
  }
}

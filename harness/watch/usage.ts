// What a daemon used and printed all the time it was watched, against a budget.

/** What a daemon may use. */
export interface Budget {
  /** Share of one processor over five seconds, once it has run for five: 0.5 is fifty per cent. */
  readonly cpu: number;
  /** Resident set in bytes. */
  readonly rss: number;
  /** Open files and sockets. */
  readonly files: number;
  /** A second, over ten seconds. */
  readonly logLines: number;
}

/** Of the daemon of this tree, with room for a busy machine. Others are told by the scenario that runs them. */
export const strictBudget: Budget = { cpu: 0.5, rss: 160e6, files: 100, logLines: 30 };

/** All its daemons together, one after the other. */
export interface NodeUsage {
  readonly node: string;
  readonly cpuSeconds: number;
  /** The highest of the figures that {@link Budget} limits. */
  readonly peak: Budget;
  readonly logLines: number;
}

interface Reading {
  readonly at: number;
  readonly ticks: number;
}

/** What the kernel counts processor time in, per second, and the size of a page, for every program. */
const [ticksPerSecond, pageSize] = [100, 4096];
const [cpuWindow, cpuGrace, logWindow] = [5000, 5000, 10_000];

export class UsageBook {
  readonly #node: string;
  readonly #budget: Budget | undefined;
  /** Of the daemon that runs now. */
  #run: Reading[] = [];
  #ticksBefore = 0;
  #lines: { at: number; count: number }[] = [];
  #logLines = 0;
  #peak: Budget = { cpu: 0, rss: 0, files: 0, logLines: 0 };
  readonly #told = new Set<string>();

  constructor(node: string, budget: Budget | undefined) {
    this.#node = node;
    this.#budget = budget;
  }

  /** Another daemon runs from now on, or none. */
  newRun(): void {
    this.#ticksBefore += this.#run.at(-1)?.ticks ?? 0;
    this.#run = [];
  }

  /** Returns what is now over the budget for the first time. */
  used(at: number, ticks: number, pages: number, files: number): readonly string[] {
    this.#run.push({ at, ticks });
    const settled = this.#run.filter(reading => reading.at >= (this.#run[0]?.at ?? 0) + cpuGrace);
    const [first] = settled.filter(reading => reading.at >= at - cpuWindow - 1000);
    const seconds = first ? (at - first.at) / 1000 : 0;
    const long = seconds * 1000 >= cpuWindow;
    const cpu = first && long ? (ticks - first.ticks) / ticksPerSecond / seconds : 0;
    return this.#over({ cpu, rss: pages * pageSize, files, logLines: 0 });
  }

  printed(at: number, count: number): readonly string[] {
    this.#logLines += count;
    this.#lines = [...this.#lines, { at, count }].filter(each => each.at > at - logWindow);
    const recent = this.#lines.reduce((sum, each) => sum + each.count, 0);
    return this.#over({ cpu: 0, rss: 0, files: 0, logLines: recent / (logWindow / 1000) });
  }

  get usage(): NodeUsage {
    const ticks = this.#ticksBefore + (this.#run.at(-1)?.ticks ?? 0);
    return {
      node: this.#node,
      cpuSeconds: ticks / ticksPerSecond,
      peak: this.#peak,
      logLines: this.#logLines,
    };
  }

  #over(figures: Budget): readonly string[] {
    const names = ['cpu', 'rss', 'files', 'logLines'] as const;
    const peak = this.#peak;
    this.#peak = {
      cpu: Math.max(peak.cpu, figures.cpu),
      rss: Math.max(peak.rss, figures.rss),
      files: Math.max(peak.files, figures.files),
      logLines: Math.max(peak.logLines, figures.logLines),
    };
    const budget = this.#budget;
    if (!budget) return [];
    const over = names.filter(name => figures[name] > budget[name] && !this.#told.has(name));
    for (const name of over) this.#told.add(name);
    return over.map(name => `the daemon of ${this.#node} ${sentences[name](figures[name], budget[name])}`);
  }
}

const percent = (share: number) => `${Math.round(share * 100)} %`;
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
const sentences = {
  cpu: (seen: number, limit: number) =>
    `used ${percent(seen)} of a processor for five seconds; its budget is ${percent(limit)}`,
  rss: (seen: number, limit: number) => `uses ${megabytes(seen)}; its budget is ${megabytes(limit)}`,
  files: (seen: number, limit: number) => `has ${seen} files open; its budget is ${limit}`,
  logLines: (seen: number, limit: number) =>
    `printed ${Math.round(seen)} lines a second for ten seconds; its budget is ${limit}`,
} as const;

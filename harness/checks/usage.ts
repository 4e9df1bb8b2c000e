// What a daemon uses and prints over a stretch of time: processor, memory, open files, log lines.
import { sleep } from '../../lib/wait.ts';
import type { NodeHandle } from '../drivers/driver.ts';

export interface Usage {
  readonly seconds: number;
  /** Share of one processor: 0.05 is five per cent. */
  readonly cpu: number;
  readonly logLines: number;
  /** How many more files and sockets are open than at the start. */
  readonly moreFiles: number;
  /** Resident set at the end, in bytes. */
  readonly rss: number;
}

interface Reading {
  readonly at: number;
  readonly cpuSeconds: number;
  readonly files: number;
  readonly rss: number;
  readonly logLines: number;
}

/** What the kernel counts processor time in, per second, for every program. */
const ticks = 100;

export class UsageWatch {
  readonly #node: NodeHandle;
  readonly #pid: number;
  readonly #first: Reading;

  private constructor(node: NodeHandle, pid: number, first: Reading) {
    this.#node = node;
    this.#pid = pid;
    this.#first = first;
  }

  static async start(node: NodeHandle): Promise<UsageWatch> {
    const { pid } = await node.daemon.state();
    if (pid === undefined) throw new Error(`the daemon of ${node.name} does not run`);
    return new UsageWatch(node, pid, await read(node, pid));
  }

  /** After at least so many milliseconds of watching. Rejects when the daemon has ended in between. */
  async stop({ after = 0 } = {}): Promise<Usage> {
    await sleep(Math.max(0, this.#first.at + after - performance.now()));
    const last = await read(this.#node, this.#pid);
    const seconds = (last.at - this.#first.at) / 1000;
    return {
      seconds,
      cpu: (last.cpuSeconds - this.#first.cpuSeconds) / seconds,
      logLines: last.logLines - this.#first.logLines,
      moreFiles: last.files - this.#first.files,
      rss: last.rss,
    };
  }
}

async function read(node: NodeHandle, pid: number): Promise<Reading> {
  const script = `cat /proc/${pid}/stat; ls /proc/${pid}/fd | wc -l; grep VmRSS /proc/${pid}/status`;
  const [{ stdout }, log] = await Promise.all([node.run(['sh', '-c', script]), node.daemon.logs()]);
  const [stat = '', files, rss = ''] = stdout.split('\n');
  // The fields after the name, which may hold blanks: user and system time are the 14th and 15th of all.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    at: performance.now(),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticks,
    files: Number(files),
    rss: Number(/\d+/.exec(rss)?.[0]) * 1024,
    logLines: log.split('\n').length,
  };
}

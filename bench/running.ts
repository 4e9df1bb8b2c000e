// A daemon under measurement: when it started, and when the kernel and the files around it show what it should do.
import { existsSync, readFileSync } from 'node:fs';
import type { NodeHandle } from '../harness/drivers/driver.ts';
import { subnetFile } from '../harness/node-files.ts';
import { lastLines } from '../harness/node-state.ts';
import { GaveUp, until } from '../lib/wait.ts';

const device = 'flannel.1';
/** Milliseconds. */
const timeout = 60_000;

export class Running {
  readonly node: NodeHandle;
  /** As this machine numbers it. */
  readonly pid: number;
  /** On the clock of `performance.now()`, as all moments here. */
  readonly started: number;
  readonly ended: Promise<number>;
  #alive = true;

  constructor(node: NodeHandle, pid: number, started: number, ended: Promise<number>) {
    this.node = node;
    this.pid = pid;
    this.started = started;
    this.ended = ended;
    void ended.then(() => {
      this.#alive = false;
    });
  }

  /** The moment at which subnet.env was there. */
  subnetWritten(): Promise<number> {
    const path = `/proc/${this.pid}/root${subnetFile}`;
    return this.#moment(subnetFile, 1, async () => existsSync(path));
  }

  /** The moment at which routes, neighbours and forwarding entries of this many peers were there. */
  async converged(peers: number): Promise<number> {
    const routed = await this.#moment(`${peers} routes`, 4, async () => this.#routes() >= peers);
    if ((await this.#entries()) >= 2 * peers) return routed;
    const what = `neighbours and forwarding entries of ${peers} peers`;
    return this.#moment(what, 1, async () => (await this.#entries()) >= 2 * peers);
  }

  /** Waits for subnet.env and all of these peers. */
  async settled(peers: number): Promise<void> {
    await this.subnetWritten();
    await this.converged(peers);
  }

  /** Ends it with SIGTERM and waits; returns how long that took, in milliseconds. */
  async stop(): Promise<number> {
    const asked = performance.now();
    process.kill(this.pid, 'SIGTERM');
    return (await this.ended) - asked;
  }

  #routes(): number {
    const lines = readFileSync(`/proc/${this.pid}/net/route`, 'latin1').split('\n');
    // The column after the destination is the gateway: only routes to peers have one.
    return lines.filter(line => line.startsWith(`${device}\t`) && line.split('\t')[2] !== '00000000').length;
  }

  async #entries(): Promise<number> {
    const [neighbours, forwarding] = await Promise.all([
      this.node.run(['ip', '-4', 'neighbour', 'show', 'dev', device, 'nud', 'permanent']),
      this.node.run(['bridge', 'fdb', 'show', 'dev', device]),
    ]);
    return neighbours.stdout.trim().split('\n').length + forwarding.stdout.trim().split('\n').length;
  }

  async #moment(what: string, interval: number, reached: () => Promise<boolean>): Promise<number> {
    const probe = async () => {
      if (await reached()) return performance.now();
      if (this.#alive) return undefined;
      const { stdout: log } = await this.node.run(['cat', '/run/lab/flanneld.log']);
      throw new GaveUp(`${this.node.plan.daemon.ref} ended:\n${lastLines(log)}`);
    };
    return until(probe, { what: `${what} of ${this.node.plan.daemon.ref}`, timeout, interval });
  }
}

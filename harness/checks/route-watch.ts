// Every change of a node's IPv4 routes while something happens, as the kernel announces it.

import { sleep, until } from '../../lib/wait.ts';
import type { NodeHandle } from '../drivers/driver.ts';

export interface RouteChanges {
  /** Lines of `ip monitor route`, oldest first; those of removals begin with `Deleted`. */
  readonly all: readonly string[];
  readonly deleted: readonly string[];
}

let watches = 0;

export class RouteWatch {
  readonly #node: NodeHandle;
  readonly #file: string;
  readonly #since = performance.now();

  private constructor(node: NodeHandle, file: string) {
    this.#node = node;
    this.#file = file;
  }

  /** Resolves when changes are noted: a route of the watch's own has been seen. */
  static async start(node: NodeHandle): Promise<RouteWatch> {
    const file = `/run/routes-${process.pid}-${++watches}`;
    const script = `setsid stdbuf -oL ip -4 monitor route >${file} 2>&1 </dev/null & echo $! >${file}.pid`;
    await node.run(['sh', '-c', script]);
    const mark = `ip route replace unreachable ${probe}; ip route del unreachable ${probe}; grep -c ${probe} ${file}`;
    const seen = async () => {
      const { stdout } = await node.run(['sh', '-c', mark], { okCodes: [0, 1] });
      return Number(stdout) > 0 ? true : undefined;
    };
    await until(seen, { what: `a watch on the routes of ${node.name}`, timeout: 5000, interval: 20 });
    return new RouteWatch(node, file);
  }

  /** After at least so many milliseconds of watching. */
  async stop({ after = 0 } = {}): Promise<RouteChanges> {
    await sleep(Math.max(0, this.#since + after - performance.now()));
    const { stdout } = await this.#node.run([
      'sh',
      '-c',
      `kill "$(cat ${this.#file}.pid)"; cat ${this.#file}; rm -f ${this.#file} ${this.#file}.pid`,
    ]);
    // The local table follows the addresses; it is nobody's to program.
    const lines = stdout.split('\n').map(line => line.trim());
    const all = lines.filter(line => line && !line.includes(probe) && !/table local/.test(line));
    return { all, deleted: all.filter(line => line.startsWith('Deleted')) };
  }
}

/** Set aside for documentation (RFC 5737), so nobody else's. */
const probe = '192.0.2.254';

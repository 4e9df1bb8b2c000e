// What is kept of a cluster while all is well, to be put beside what it looks like once it is not.
import type { Matrix } from '../checks/reachability.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { now } from '../journal.ts';
import type { Sweep } from '../report/data.ts';
import { type NodeState, readState } from './state.ts';

/** Of more sweeps than these the oldest are forgotten. */
const most = 2000;

export interface LastGood {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly states: ReadonlyMap<string, NodeState>;
}

export class Memory {
  #sweeps: Sweep[] = [];
  #good: LastGood | undefined;

  get sweeps(): readonly Sweep[] {
    return this.#sweeps;
  }

  /** The last moment in which a check of everything has passed; undefined before the first. */
  get lastGood(): LastGood | undefined {
    return this.#good;
  }

  swept(matrix: Matrix): void {
    this.#sweeps.push({ at: now(), matrix });
    if (this.#sweeps.length > most) this.#sweeps = this.#sweeps.slice(-most / 2);
  }

  /** One command on each node; nodes that do not answer are left out. */
  async good(nodes: readonly NodeHandle[]): Promise<void> {
    const at = now();
    const states = await Promise.all(nodes.map(node => readState(node).catch(() => undefined)));
    const known = states.filter(state => state !== undefined);
    this.#good = { at, states: new Map(known.map(state => [state.node, state])) };
  }
}

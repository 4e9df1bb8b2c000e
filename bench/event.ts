// One lease appears among a thousand: until its route, its neighbour and its forwarding entry are in the kernel.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { NodeHandle } from '../harness/drivers/driver.ts';
import { sleep } from '../lib/wait.ts';
import { type Bench, percentile } from './compare.ts';
import { type Peer, peer } from './peers.ts';
import { obstacle, Testbed } from './testbed.ts';

const present = 1000;
const events = 50;
/** Milliseconds after which addresses have settled on the new device, and the daemon with them. */
const calm = 3000;
/** Milliseconds between two events. */
const pause = 40;
/** After this time the lease is written again: Go 0.20 overlooks events now and then, which is not what is measured. */
const overlooked = 1000;

export const eventBench: Bench = {
  unit: 'ms',
  what: `lease written to programmed, 95th percentile of ${events}, ${present} peers present`,
  unavailable: () => obstacle('netns'),
  async measure(daemon) {
    await using bed = await Testbed.open(daemon, present);
    const running = await bed.start();
    await running.settled(present);
    // A daemon may look at what it does when it begins.
    using monitor = await KernelMonitor.start(bed.node);
    await sleep(calm);
    const taken: number[] = [];
    for (let n = 0; n < events; n++) taken.push(await joinOne(bed, monitor, peer(present + n)));
    return percentile(taken, 95);
  },
};

async function joinOne(bed: Testbed, monitor: KernelMonitor, joining: Peer): Promise<number> {
  await sleep(pause);
  for (let tries = 0; tries < 5; tries++) {
    const started = performance.now();
    const programmed = monitor.programmed(joining);
    await bed.join(joining);
    const moment = await Promise.race([programmed, sleep(overlooked)]);
    if (moment !== undefined) return moment - started;
  }
  throw new Error(`${bed.node.plan.daemon.ref} did not program ${joining.base}`);
}

/** `ip monitor` in the node: the moment at which the kernel told of each change. */
class KernelMonitor implements Disposable {
  readonly #child;
  readonly #awaited = new Map<string, () => void>();

  private constructor(child: ReturnType<typeof spawn>) {
    this.#child = child;
    if (!child.stdout) throw new TypeError('the monitor has no output');
    createInterface({ input: child.stdout }).on('line', line => {
      for (const [text, seen] of this.#awaited) if (line.startsWith(text)) seen();
    });
  }

  static async start(node: NodeHandle): Promise<KernelMonitor> {
    const argv = node.commandLine(['ip', '-o', 'monitor', 'route', 'neigh'], { tty: false });
    const [program, ...args] = argv;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child, 'spawn');
    const monitor = new KernelMonitor(child);
    await monitor.#listening(node);
    return monitor;
  }

  /** It says nothing when it begins to listen, so something is changed until it says that. */
  async #listening(node: NodeHandle): Promise<void> {
    const heard = this.#seen('198.51.100.0/24 dev eth0');
    for (let listening = false; !listening; ) {
      await node.run(['ip', 'route', 'add', '198.51.100.0/24', 'dev', 'eth0']);
      await node.run(['ip', 'route', 'del', '198.51.100.0/24', 'dev', 'eth0']);
      listening = await Promise.race([heard.then(() => true), sleep(20).then(() => false)]);
    }
  }

  /** When all three entries of the peer were there. */
  async programmed({ base, publicIp, mac }: Peer): Promise<number> {
    const lines = [
      `${base}/24 via`,
      `${base} dev flannel.1 lladdr ${mac}`,
      `${publicIp} dev flannel.1 lladdr ${mac}`,
    ];
    await Promise.all(lines.map(line => this.#seen(line)));
    return performance.now();
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  #seen(text: string): Promise<void> {
    return new Promise(resolve => {
      this.#awaited.set(text, () => {
        this.#awaited.delete(text);
        resolve();
      });
    });
  }
}

// The data plane as the daemon sees it: a thread that carries packets, told of routes and addresses.
import { closeSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../lib/errors.ts';
import type { ByFamily } from '../../lib/ip.ts';
import { type Counters, createCounts, readCounters } from './counters.ts';
import type { Help, Order, Report, RouteChange, Start } from './messages.ts';

export interface CarrierPlan {
  readonly device: string;
  /** To bind; one for each family that is carried. */
  readonly addresses: ByFamily<string>;
  /** Of all nodes. */
  readonly port: number;
}

/** Something that carries the packets of a device which the kernel does not carry. */
export interface Carrier extends AsyncDisposable {
  /** How it does so, in words. */
  readonly level: string;
  /** Resolves when it ended, with the reason. */
  readonly ended: Promise<string>;
  route(change: RouteChange): void;
  bind(addresses: ByFamily<string>): void;
  counters(): Counters;
}

/** `notice` takes what an administrator should know while it runs. */
export type OpenCarrier = (plan: CarrierPlan, notice: (text: string) => void) => Promise<Carrier>;

/** Built, the thread's program is one file beside the daemon's. */
const program = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './udp-worker.js', import.meta.url);

/** Opens carriers with this help of the kernel; rejects with a UserError when device or sockets cannot be had. */
export const carrierOpener =
  (help: Help): OpenCarrier =>
  async (plan, notice) => {
    const counts = createCounts();
    const start: Start = { ...plan, help, counts };
    const worker = new Worker(program, {
      workerData: start,
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    const ended = Promise.withResolvers<string>();
    const opened = Promise.withResolvers<Extract<Report, { kind: 'open' }>>();
    let isOver = false;
    const over = (reason: string, hint?: string) => {
      isOver = true;
      opened.reject(new UserError(reason, { hint }));
      ended.resolve(reason);
    };
    worker.on('message', (report: Report) => {
      if (report.kind === 'open') opened.resolve(report);
      else if (report.kind === 'notice') notice(report.text);
      else if (report.kind === 'ended') over(report.reason, report.hint);
    });
    worker.on('error', error => over(error.message));
    const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()));
    void exited.then(() => over('its thread ended'));
    const { wake, level } = await opened.promise;
    void exited.then(() => closeSync(wake));
    const tell = (order: Order) => {
      if (isOver) return;
      worker.postMessage(order);
      try {
        writeSync(wake, '!');
      } catch (error) {
        // Nobody reads any more, of which we hear soon; or it is full of such signs already.
        if (!['EPIPE', 'EAGAIN'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    };
    return {
      level,
      ended: ended.promise,
      route: change => tell({ kind: 'route', ...change }),
      bind: addresses => tell({ kind: 'bind', addresses }),
      counters: () => readCounters(counts),
      async [Symbol.asyncDispose]() {
        tell({ kind: 'stop' });
        await exited;
      },
    };
  };

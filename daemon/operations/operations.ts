// The daemon as its operators see it: told what happens, it answers probes, counts, and keeps systemd informed.
import type { Logger } from '../../lib/log.ts';
import { sinceBoot } from '../../lib/since-boot.ts';
import type { Options } from '../options.ts';
import { fold, initialCondition, onOneClock, stuck, summary, troubles } from './condition.ts';
import type { Observe } from './happening.ts';
import type { Metrics } from './metrics.ts';
import { supervise, watchdogInterval } from './systemd.ts';

export interface Operations extends AsyncDisposable {
  readonly observe: Observe;
}

export interface Surroundings {
  readonly options: Pick<Options, 'health' | 'renewMargin'>;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

/** Rejects with a UserError when the health port cannot be had. Disposing says STOPPING=1 and closes the port. */
export async function startOperations({ options, version, env, log }: Surroundings): Promise<Operations> {
  const now = () => performance.now();
  const margin = options.renewMargin;
  let condition = initialCondition(now());
  // While the host is suspended, the lease goes on and nothing else does.
  const seen = () => onOneClock(condition, now(), sinceBoot());
  const readiness = () => {
    if (!condition.ready) return 'not yet';
    const wrong = troubles(seen(), margin, now());
    return wrong.length === 0 ? 'ready' : wrong;
  };

  const current = () => ({
    ready: readiness() === 'ready',
    leaseLeft: condition.lease && condition.lease.expires - sinceBoot(),
  });
  let metrics: Metrics | undefined;
  let server: AsyncDisposable | undefined;
  if (options.health) {
    const [{ createMetrics }, { serveHealth }] = await Promise.all([
      import('./metrics.ts'),
      import('./health-server.ts'),
    ]);
    metrics = createMetrics(version, current);
    const stuckNow = () => stuck(condition, now());
    server = await serveHealth(options.health, { stuck: stuckNow, readiness, metrics });
  }

  const socket = env.NOTIFY_SOCKET;
  const supervisor =
    socket === undefined || socket === ''
      ? undefined
      : supervise({
          send: async state => (await import('./notify.ts')).notify(socket, state),
          summary: () => summary(seen(), margin, now()),
          alive: () => stuck(condition, now()) === undefined,
          watchdog: watchdogInterval(env, process.pid),
          log,
        });

  return {
    observe(happening) {
      condition = fold(condition, happening, now());
      metrics?.observe(happening);
      if (happening.kind === 'ready') supervisor?.ready();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([supervisor?.stopping(), server?.[Symbol.asyncDispose]()]);
    },
  };
}

// What happened, as Prometheus metrics. Loads prom-client, so it is imported only where a port serves them.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type Counted, type Counters, counted } from '../udp/counters.ts';
import type { Happening, Observe } from './happening.ts';

export interface Metrics {
  readonly observe: Observe;
  readonly contentType: string;
  /** The page of a scrape. */
  text(): Promise<string>;
}

/** Looked up at each scrape. */
export interface Current {
  readonly ready: boolean;
  /** Milliseconds until the lease expires; undefined without a lease. */
  readonly leaseLeft: number | undefined;
}

export function createMetrics(version: string, current: () => Current): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, read?: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      ...(read && {
        collect() {
          this.set(read());
        },
      }),
    });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });

  new Gauge({
    name: 'flannel_build_info',
    help: 'Always 1; what is running is in the labels.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);
  gauge('flannel_ready', 'Whether /readyz says so.', () => Number(current().ready));
  gauge('flannel_lease_remaining_seconds', 'Until the lease expires; 0 without one.', () => {
    return (current().leaseLeft ?? 0) / 1000;
  });
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system time.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge('process_start_time_seconds', 'Start, since 1970.').set(performance.timeOrigin / 1000);

  const etcdUp = gauge('flannel_etcd_up', 'Whether etcd answers.');
  const leases = gauge('flannel_leases', 'Leases in the cluster.');
  const peers = gauge('flannel_peers', 'Leases that this node sends to.');
  const renewals = new Counter({
    name: 'flannel_lease_renewals_total',
    help: 'Attempts to renew the lease.',
    labelNames: ['result'],
    registers,
  });
  const snapshots = counter(
    'flannel_watch_snapshots_total',
    'Readings of all leases: one at start, one after each gap.',
  );
  const passes = new Histogram({
    name: 'flannel_reconcile_seconds',
    help: 'Time to compare the kernel with what should be, and to change it.',
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const changes = counter('flannel_reconcile_changes_total', 'Changes to the kernel that were attempted.');
  const failures = counter('flannel_reconcile_failures_total', 'Changes to the kernel that failed.');
  const rules = counter('flannel_firewall_restorations_total', 'Times firewall rules were put in place.');
  for (const result of ['success', 'failure']) renewals.inc({ result }, 0);

  let carried: (() => Counters) | undefined;

  const observe = (happening: Happening): void => {
    switch (happening.kind) {
      case 'etcd':
        etcdUp.set(Number(happening.answers));
        break;
      case 'renewal':
        renewals.inc({ result: happening.succeeded ? 'success' : 'failure' });
        break;
      case 'leases':
        leases.set(happening.count);
        if (happening.snapshot) snapshots.inc();
        break;
      case 'peers':
        peers.set(happening.count);
        break;
      case 'pass':
        passes.observe(happening.seconds);
        changes.inc(happening.changes);
        failures.inc(happening.failures);
        break;
      case 'rules':
        rules.inc();
        break;
      case 'carrier':
        if (!carried) countCarried(registers, () => carried?.());
        carried = happening.counters;
        break;
      case 'lease':
      case 'ready':
        break; // asked for at each scrape
      default:
        happening satisfies never;
    }
  };
  return { observe, contentType: registry.contentType, text: () => registry.metrics() };
}

/** `read` gives the numbers at each scrape; they begin anew when the carrier does. */
function countCarried(registers: Registry[], read: () => Counters | undefined): void {
  for (const [name, help] of Object.entries(counted))
    new Counter({
      name: `flannel_udp_${name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}_total`,
      help: `Backend udp. ${help}`,
      registers,
      collect() {
        this.reset();
        this.inc(read()?.[name as Counted] ?? 0);
      },
    });
}

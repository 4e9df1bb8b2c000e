// A daemon on a host in memory, for tests: registry, kernel, packet filter and clock are fakes, the rest is real.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByFamily, parseIp } from '../../lib/ip.ts';
import { createLogger } from '../../lib/log.ts';
import { until } from '../../lib/wait.ts';
import { createShell } from '../hooks/shell.ts';
import { FakeKernel } from '../kernel/fake.ts';
import { FakeFirewall } from '../kernel/fake-firewall.ts';
import type { RuleTool } from '../kernel/firewall.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { LinkEntry } from '../model/net-state.ts';
import type { Happening } from '../operations/happening.ts';
import { type Options, parseOptions } from '../options.ts';
import type { MemoryRegistry } from '../store/memory-registry.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { CarrierPlan, OpenCarrier } from '../udp/carrier.ts';
import { createCounts, readCounters } from '../udp/counters.ts';
import type { RouteChange } from '../udp/messages.ts';
import { runDaemon } from './daemon.ts';
import { loadKeys } from './key-file.ts';

/** A host with eth0 at 192.168.7.`n`/24 and a default route. */
export function hostKernel(n: number): FakeKernel {
  return new FakeKernel([
    { kind: 'link', name: 'eth0', mac: `02:00:00:00:0e:0${n % 10}`, mtu: 1500, up: true, tunnel: undefined },
    { kind: 'address', dev: 'eth0', address: `192.168.7.${n}/24` },
    {
      kind: 'route',
      to: '0.0.0.0/0',
      via: '192.168.7.254',
      dev: 'eth0',
      onlink: false,
      metric: 0,
      protocol: 'boot',
    },
    { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '0' },
  ]);
}

export interface NodeFixture extends AsyncDisposable {
  readonly kernel: FakeKernel;
  readonly firewall: FakeFirewall;
  readonly log: readonly string[];
  readonly happened: readonly Happening[];
  /** What it reserved for itself on its host. */
  readonly taken: readonly string[];
  /** Those that were opened so far. */
  readonly carriers: readonly FakeCarrier[];
  readonly subnetFile: string;
  /** How the daemon ended; undefined while it runs. */
  readonly end: Error | 'stopped' | undefined;
  /** Waits until a log line contains `text`. */
  said(text: string): Promise<void>;
  ready(): Promise<void>;
  /** The whole of subnet.env. */
  subnetEnv(): Promise<string>;
  /** Stops as SIGTERM does. */
  stop(): Promise<void>;
  ended(): Promise<Error | 'stopped'>;
}

export interface NodePlan {
  readonly registry: MemoryRegistry;
  /** The last part of its address. */
  readonly n: number;
  readonly flags?: readonly string[];
  readonly kernel?: FakeKernel;
  readonly firewall?: FakeFirewall;
  /** To start again on what a former run left. */
  readonly folder?: string;
  /** What the daemon sees of the registry, the kernel and each rule tool in place of themselves. */
  readonly through?: <T extends object>(edge: T) => T;
}

export async function startNode(plan: NodePlan): Promise<NodeFixture> {
  const { registry, n, flags = [], kernel = hostKernel(n), firewall = new FakeFirewall() } = plan;
  const { through = edge => edge } = plan;
  const folder = plan.folder ?? (await mkdtemp(join(tmpdir(), `flannel-lab-node${n}-`)));
  const subnetFile = join(folder, 'subnet.env');
  const log: string[] = [];
  const happened: Happening[] = [];
  const taken: string[] = [];
  const carriers: FakeCarrier[] = [];
  const stopping = new AbortController();
  const logger = createLogger({ write: line => void log.push(line), level: 'debug' });
  let end: Error | 'stopped' | undefined;
  const running = runDaemon(
    {
      options: optionsOf([`-subnet-file=${subnetFile}`, ...flags]),
      log: logger,
      openStore: async () => through(createMemoryStore(registry, logger)),
      kernel: through<Kernel>(kernel),
      firewall: {
        iptables: through<RuleTool>(firewall.iptables),
        ip6tables: through<RuleTool>(firewall.ip6tables),
        nft: through<RuleTool>(firewall.nft),
      },
      shell: createShell(),
      loadKeys: () => loadKeys(join(folder, 'wgkey'), logger),
      openCarrier: fakeCarriers(kernel, carriers),
      takeNames: async things => void taken.push(...things),
      observe: happening => void happened.push(happening),
    },
    stopping.signal,
  ).catch((error: unknown) => {
    end = stopping.signal.aborted ? 'stopped' : error instanceof Error ? error : new Error(String(error));
    return end;
  });
  const seen = (text: string) => log.some(line => line.includes(text));
  const said = async (text: string) => {
    const found = async () => (seen(text) ? true : undefined);
    await until(found, { what: `"${text}" in the log:\n${log.join('\n')}`, timeout: 4000, interval: 10 });
  };
  return {
    kernel,
    firewall,
    log,
    happened,
    taken,
    carriers,
    subnetFile,
    get end() {
      return end;
    },
    said,
    ready: () => said('info  ready'),
    subnetEnv: () => readFile(subnetFile, 'utf8'),
    async stop() {
      stopping.abort();
      await running;
    },
    ended: () => running,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
      if (!plan.folder) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A carrier that makes its device and carries nothing. */
export interface FakeCarrier {
  readonly plan: CarrierPlan;
  /** What it was told, newest last. */
  readonly routed: RouteChange[];
  readonly bound: ByFamily<string>[];
  /** Ends as one whose device was removed. */
  end(reason: string): void;
}

function fakeCarriers(kernel: FakeKernel, opened: FakeCarrier[]): OpenCarrier {
  return async plan => {
    const ended = Promise.withResolvers<string>();
    const { device: name } = plan;
    const device: LinkEntry = { kind: 'link', name, mac: '', mtu: 1500, up: false, tunnel: { type: 'tun' } };
    kernel.set(device);
    const routed: RouteChange[] = [];
    const bound: ByFamily<string>[] = [];
    const end = (reason: string) => {
      kernel.drop(device);
      ended.resolve(reason);
    };
    opened.push({ plan, routed, bound, end });
    return {
      level: 'nothing',
      ended: ended.promise,
      route: change => void routed.push(change),
      bind: addresses => void bound.push(addresses),
      counters: () => readCounters(createCounts()),
      async [Symbol.asyncDispose]() {
        end('it was stopped');
      },
    };
  };
}

function optionsOf(flags: readonly string[]): Options {
  const command = parseOptions(flags, {});
  if (command.kind !== 'run') throw new TypeError('these flags do not run a daemon');
  return command.options;
}

/** The value another node with this address would publish. */
export function leaseOf(ip: string, backend = 'vxlan', mac = macOf(ip)): string {
  const data = backend === 'vxlan' ? `,"BackendData":{"VNI":1,"VtepMAC":"${mac}"}` : '';
  return `{"PublicIP":"${ip}","PublicIPv6":null,"BackendType":"${backend}"${data}}`;
}

export function macOf(ip: string): string {
  return `02:00:${(parseIp(ip)?.value ?? 0n).toString(16).padStart(8, '0').match(/../g)?.join(':')}`;
}

export const addressOf = (n: number): string => `192.168.7.${n}`;

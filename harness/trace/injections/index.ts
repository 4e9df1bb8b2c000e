// Every cause the hop verdict tells apart, by the backends it can be made with.
import type { DriverName } from '../../drivers/driver.ts';
import { DropTracepoint } from '../drop-tracepoint.ts';
import { common } from './common.ts';
import { udpFaults, vxlanFaults } from './faults.ts';
import type { CauseInjection } from './injection.ts';
import { detour, routed } from './routed.ts';
import { vxlan, vxlanDevices } from './vxlan.ts';
import { wireguard } from './wireguard.ts';

export interface InjectionSuite {
  /** Unique. */
  readonly name: string;
  readonly driver: DriverName;
  readonly backend: string;
  /** What the configuration says of the backend besides its type. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly nodes: number;
  readonly injections: readonly CauseInjection[];
}

/** Whether its cause can be found on this machine. */
export function canBeFound(injection: CauseInjection): Promise<boolean> {
  return 'needs' in injection ? DropTracepoint.isThere() : Promise.resolve(true);
}

/** What differs with the backend: how packets look on the underlay, and where they come in. */
const perBackend = common.filter(({ name }) => /receiver|^the underlay|masqueraded|answers/.test(name));

/** The daemons of udp carry packets, so they run on, and turn ip_forward on again. */
const unmended = perBackend.filter(({ expected }) => expected.cause !== 'ip-forward-off');

/** Those that reach for nothing that only netns nodes have: the underlay, and containers by a name of their own. */
const anywhere = perBackend.filter(({ on, breaks }) => on !== 'underlay' && !breaks.includes('netns'));

const netns: readonly Omit<InjectionSuite, 'driver'>[] = [
  {
    name: 'vxlan',
    backend: 'vxlan',
    nodes: 3,
    injections: [...common, ...routed, ...vxlan, ...vxlanDevices, ...vxlanFaults],
  },
  {
    name: 'vxlan with DirectRouting',
    backend: 'vxlan',
    options: { DirectRouting: true },
    nodes: 2,
    injections: [...perBackend, ...routed],
  },
  { name: 'host-gw', backend: 'host-gw', nodes: 3, injections: [...perBackend, ...routed] },
  { name: 'wireguard', backend: 'wireguard', nodes: 2, injections: [...perBackend, detour, ...wireguard] },
  { name: 'udp', backend: 'udp', nodes: 2, injections: [...unmended, detour, ...udpFaults] },
];

const docker: readonly Omit<InjectionSuite, 'driver'>[] = [
  { name: 'docker vxlan', backend: 'vxlan', nodes: 2, injections: anywhere },
  { name: 'docker wireguard', backend: 'wireguard', nodes: 2, injections: [...anywhere, ...wireguard] },
];

export const injectionSuites: readonly InjectionSuite[] = [
  ...netns.map(suite => ({ ...suite, driver: 'netns' }) as const),
  ...docker.map(suite => ({ ...suite, driver: 'docker' }) as const),
];

/** With each injection once for each driver, where it comes first: the self-test has them with all backends. */
export function onceEach(suites: readonly InjectionSuite[]): readonly InjectionSuite[] {
  const seen = new Set<string>();
  return suites.map(suite => {
    const fresh = suite.injections.filter(({ name }) => !seen.has(`${suite.driver} ${name}`));
    for (const { name } of fresh) seen.add(`${suite.driver} ${name}`);
    return { ...suite, injections: fresh };
  });
}

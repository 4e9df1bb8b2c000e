// Every cause the hop verdict tells apart, by the backends it can be made with.
import { common } from './common.ts';
import { udpFaults, vxlanFaults } from './faults.ts';
import type { CauseInjection } from './injection.ts';
import { routed } from './routed.ts';
import { vxlan, vxlanDevices } from './vxlan.ts';

export interface InjectionSuite {
  readonly backend: string;
  readonly nodes: number;
  readonly injections: readonly CauseInjection[];
}

/** What differs with the backend: how packets look on the underlay, and where they come in. */
const perBackend = common.filter(({ name }) => /receiver|^the underlay|masqueraded|answers/.test(name));

/** The daemons of udp carry packets, so they run on, and turn ip_forward on again. */
const unmended = perBackend.filter(({ expected }) => expected.cause !== 'ip-forward-off');

export const injectionSuites: readonly InjectionSuite[] = [
  {
    backend: 'vxlan',
    nodes: 3,
    injections: [...common, ...routed, ...vxlan, ...vxlanDevices, ...vxlanFaults],
  },
  { backend: 'host-gw', nodes: 3, injections: [...perBackend, ...routed] },
  { backend: 'udp', nodes: 2, injections: [...unmended, ...udpFaults] },
];

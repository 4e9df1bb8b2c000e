// All backends of this build, by the name that stands in the configuration.
import { type ConfigProblem, familiesOf, type NetworkConfig } from '../model/network-config.ts';
import { alloc } from './alloc.ts';
import type { BackendFactory, BackendResult } from './backend.ts';
import { extension } from './extension.ts';
import { hostGw } from './host-gw.ts';
import { ipip } from './ipip.ts';
import { udp } from './udp.ts';
import { vxlan } from './vxlan.ts';
import { wireguard } from './wireguard.ts';

const backends: Readonly<Record<string, BackendFactory>> = {
  vxlan,
  'host-gw': hostGw,
  ipip,
  udp,
  wireguard,
  extension,
  alloc,
};
/** Known to flannel; a configuration may name them rightfully. */
const elsewhere = ['ipsec', 'tencent-vpc'];

/** The backend a configuration asks for, or what to change in it. */
export function chooseBackend(config: NetworkConfig): BackendResult {
  const { backendType, backend } = config;
  const factory = Object.hasOwn(backends, backendType) ? backends[backendType] : undefined;
  if (factory) return factory(backend, familiesOf(config));
  const usable = Object.keys(backends)
    .join(', ')
    .replace(/, (?=\S+$)/, ' or ');
  const missing = 'is not available in this build';
  const problem: ConfigProblem = {
    key: 'Backend.Type',
    value: backendType,
    problem: `${elsewhere.includes(backendType) ? missing : 'is not a backend'}, use ${usable}`,
  };
  return { problems: [problem] };
}

/** Whether the document says which backend it wants; else it is udp. */
export function namesBackend({ backendType, backend }: NetworkConfig): boolean {
  return backendType === '' || Object.hasOwn(Object(backend), 'type');
}

// The backend's device, made before the lease: nobody may send to a node whose device cannot be made.
import { UserError } from '../../lib/errors.ts';
import { type Failure, isUnknownType } from '../kernel/kernel.ts';
import { diff } from '../model/diff.ts';
import type { Tunnel } from '../model/net-state.ts';
import { underlayOf } from '../model/underlay.ts';
import type { Settlement } from './node.ts';
import { reportChanges } from './report.ts';

/** Goes by what was read at start, without reading again. Rejects with a UserError when there is no device after it. */
export async function prepareDevice(
  { kernel, backend, identity, present, log }: Settlement,
  signal: AbortSignal,
): Promise<void> {
  const wanted = backend
    .desired({ self: identity.self, subnets: {}, peers: [], underlay: underlayOf(() => present) })
    .filter(({ kind }) => kind === 'link' || kind === 'wireguard');
  const { ops } = diff(wanted, present, () => false);
  if (ops.length === 0) return;
  const [failure] = await kernel.apply(ops, signal);
  if (failure)
    throw new UserError(`cannot set up ${backend.devices.join(', ')}: ${failure.reason}`, {
      hint: remedy(failure),
    });
  reportChanges(ops, log);
}

function remedy({ op: { entry }, reason }: Failure): string {
  const type = entry.kind === 'link' ? entry.tunnel?.type : undefined;
  if (/wg is not installed|has no wireguard/.test(reason))
    return 'modprobe wireguard, or without the module: apt-get install wireguard-go; either takes wireguard-tools, and the latter /dev/net/tun';
  if (entry.kind === 'wireguard')
    return `nothing else may listen on UDP port ${entry.port}: ss -lunp; or give another ListenPort`;
  if (type && type !== 'tun' && type !== 'wireguard' && isUnknownType(reason)) return moduleHint(type);
  if (type === 'ipip' && /file exists/i.test(reason))
    return 'another ipip device has the same local address: ip -d link show type ipip';
  return 'it takes CAP_NET_ADMIN, a kernel with the module, and no other device with the same VNI and port';
}

function moduleHint(type: Exclude<Tunnel['type'], 'tun' | 'wireguard'>): string {
  const option = { vxlan: 'CONFIG_VXLAN', ipip: 'CONFIG_NET_IPIP' }[type];
  return `this kernel has no ${type}: try modprobe ${type}; distributions may keep it in a package of its own, such as linux-modules-extra-$(uname -r), and a kernel of your own needs ${option}`;
}

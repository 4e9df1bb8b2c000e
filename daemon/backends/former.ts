// What a changed configuration leaves behind: devices of flannel's other backends, or of other settings of this one.
import type { NetEntry, NetState, Tunnel } from '../model/net-state.ts';
import type { Self } from './backend.ts';
import { isInside } from './ownership.ts';

/** A TUN device goes with the process that made it. */
const names: Readonly<Record<Exclude<Tunnel['type'], 'tun'>, RegExp>> = {
  vxlan: /^flannel(-v6)?\.\d+$/,
  ipip: /^flannel\.ipip$/,
  wireguard: /^flannel-wg(-v6)?$/,
};

/**
 * Says of a present entry whether it is such a device, or a route through one. A name and a type of flannel's are not
 * enough, as several flannels can live on one host: it must have an address in a network of this one.
 */
export function formerObjects(
  present: NetState,
  { networks }: Pick<Self, 'networks'>,
  devices: readonly string[],
): (entry: NetEntry) => boolean {
  const inside = new Set(
    present.flatMap(entry =>
      entry.kind === 'address' && isInside(entry.address, networks) ? [entry.dev] : [],
    ),
  );
  const former = new Set(
    present.flatMap(entry => {
      if (entry.kind !== 'link' || !entry.tunnel || devices.includes(entry.name)) return [];
      if (entry.tunnel.type === 'tun') return [];
      return names[entry.tunnel.type].test(entry.name) && inside.has(entry.name) ? [entry.name] : [];
    }),
  );
  return entry => {
    if (entry.kind === 'link') return former.has(entry.name);
    return entry.kind === 'route' && entry.protocol === 'boot' && former.has(entry.dev ?? '');
  };
}

// One change of a device or an address as lines for `ip -batch`.
import { familyOf } from '../../lib/ip.ts';
import { canBecome, type Op } from '../model/diff.ts';
import type { AddressEntry, LinkEntry, NetEntry, Tunnel } from '../model/net-state.ts';

export type DeviceOp = Op & { readonly entry: LinkEntry | AddressEntry };

/** The batch lines of one op. All of them have to succeed for the op to have happened. */
export function batchLines(op: DeviceOp): readonly string[] {
  const { verb, entry } = op;
  const put = verb === 'put';
  if (entry.kind === 'link') return put ? linkLines(entry, op.replaces) : [`link del dev ${entry.name}`];
  return [
    `address ${put ? 'replace' : 'del'} ${entry.address} dev ${entry.dev}${put ? unprobed(entry) : ''}`,
  ];
}

/** Nobody else can have this address; waiting to find that out would take a second. */
function unprobed({ address }: AddressEntry): string {
  return familyOf(address) === 6 ? ' nodad' : '';
}

function linkLines(wanted: LinkEntry, present: NetEntry | undefined): readonly string[] {
  const { name, mac, mtu, tunnel } = wanted;
  if (!tunnel) throw new TypeError(`only tunnels are made, not ${name}`);
  // Fails while nobody carries its packets.
  if (tunnel.type === 'tun') return [`link set dev ${name} mtu ${mtu}`, `link set dev ${name} up`];
  if (present?.kind === 'link' && canBecome(present, wanted)) {
    const lines = learningLines(name, tunnel, present.tunnel);
    // Even the same MAC put again takes all neighbours of the device with it.
    if (present.mac !== mac) lines.push(`link set dev ${name} address ${mac}`);
    if (present.mtu !== mtu) lines.push(`link set dev ${name} mtu ${mtu}`);
    lines.push(`link set dev ${name} up`);
    return lines;
  }
  return [
    ...(present ? [`link del dev ${name}`] : []),
    `link add ${name}${mac && ` address ${mac}`} mtu ${mtu} txqueuelen 0 type ${tunnelWords(tunnel)}`,
    `link set dev ${name} up`,
  ];
}

function learningLines(name: string, wanted: Tunnel, present: Tunnel | undefined): string[] {
  if (wanted.type !== 'vxlan' || present?.type !== 'vxlan' || wanted.learning === present.learning) return [];
  return [`link set dev ${name} type vxlan ${wanted.learning ? 'learning' : 'nolearning'}`];
}

function tunnelWords(tunnel: Tunnel): string {
  switch (tunnel.type) {
    case 'vxlan': {
      const { vni, uplink, local, port, learning, gbp } = tunnel;
      const flags = `${learning ? 'learning' : 'nolearning'}${gbp ? ' gbp' : ''}`;
      return `vxlan id ${vni} dev ${uplink} local ${local} dstport ${port} ${flags}`;
    }
    case 'ipip': {
      const { local, remote, pmtudisc } = tunnel;
      return `ipip mode ipip local ${local} remote ${remote} ttl inherit ${pmtudisc ? 'pmtudisc' : 'nopmtudisc'}`;
    }
    case 'wireguard':
      return 'wireguard';
    case 'tun':
      throw new TypeError('tun devices are not made');
    default:
      return tunnel satisfies never;
  }
}

// One change of the network state as lines for `ip -batch` or `bridge -batch`.
import { canBecome, type Op } from '../model/diff.ts';
import { type LinkEntry, type NetEntry, routeWords } from '../model/net-state.ts';

export type Tool = 'ip' | 'bridge';
export type NetworkOp = Op & { readonly entry: Exclude<NetEntry, { kind: 'sysctl' }> };

export function toolOf({ entry }: NetworkOp): Tool {
  return entry.kind === 'fdb' ? 'bridge' : 'ip';
}

/** The batch lines of one op. All of them have to succeed for the op to have happened. */
export function batchLines(op: NetworkOp): readonly string[] {
  const { verb, entry } = op;
  const put = verb === 'put';
  switch (entry.kind) {
    case 'link':
      return put ? linkLines(entry, op.replaces) : [`link del dev ${entry.name}`];
    case 'address':
      return [`address ${put ? 'replace' : 'del'} ${entry.address} dev ${entry.dev}`];
    case 'neighbour':
      return put
        ? [`neighbour replace ${entry.ip} lladdr ${entry.mac} dev ${entry.dev} nud permanent`]
        : [`neighbour del ${entry.ip} dev ${entry.dev}`];
    case 'fdb':
      return put
        ? [`fdb replace ${entry.mac} dev ${entry.dev} dst ${entry.dst} self permanent`]
        : [`fdb del ${entry.mac} dev ${entry.dev} dst ${entry.dst} self`];
    case 'route':
      return [`route ${put ? 'replace' : 'del'} ${routeWords(entry)}`];
    default:
      return entry satisfies never;
  }
}

function linkLines(wanted: LinkEntry, present: NetEntry | undefined): readonly string[] {
  const { name, mac, mtu, vxlan } = wanted;
  if (!vxlan) throw new TypeError(`only vxlan devices are made, not ${name}`);
  if (present?.kind === 'link' && canBecome(present, wanted)) {
    const lines = [];
    if (present.vxlan?.learning !== vxlan.learning)
      lines.push(`link set dev ${name} type vxlan ${vxlan.learning ? 'learning' : 'nolearning'}`);
    // Even the same MAC put again takes all neighbours of the device with it.
    if (present.mac !== mac) lines.push(`link set dev ${name} address ${mac}`);
    if (present.mtu !== mtu) lines.push(`link set dev ${name} mtu ${mtu}`);
    lines.push(`link set dev ${name} up`);
    return lines;
  }
  const attributes = [
    `id ${vxlan.vni} dev ${vxlan.uplink} local ${vxlan.local} dstport ${vxlan.port}`,
    vxlan.learning ? 'learning' : 'nolearning',
    ...(vxlan.gbp ? ['gbp'] : []),
  ];
  return [
    ...(present ? [`link del dev ${name}`] : []),
    `link add ${name} address ${mac} mtu ${mtu} txqueuelen 0 type vxlan ${attributes.join(' ')}`,
    `link set dev ${name} up`,
  ];
}

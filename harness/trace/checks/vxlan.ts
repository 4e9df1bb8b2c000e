// What vxlan needs besides routes: the peer's MAC as neighbour and in the FDB, and devices of one VNI and port.
import { link, routeTo } from '../lookup.ts';
import type { Path, Side } from '../path.ts';
import { portOf } from '../ports.ts';
import { at, type Check, type Finding } from './finding.ts';

const isVxlan = (path: Path) => path.backend === 'vxlan' && path.tunnel !== undefined;

export const vxlanDeviceChecks: Check = path =>
  isVxlan(path) ? [...identity(path, path.from), ...identity(path, path.to)] : [];

function identity(path: Path, side: Side): readonly Finding[] {
  const device = path.tunnel ?? '';
  const { VNI: vni = 1 } = path.config.Backend;
  const data = link(side.facts, device)?.linkinfo?.info_data;
  if (!data) return [];
  const hop = side === path.from ? 'wrap' : 'unwrap';
  const told = { node: side.node, show: `ip -d link show ${device}`, vanishes: ['wrap', 'unwrap'] } as const;
  const wantedPort = portOf(path.config);
  const findings: Finding[] = [];
  if (data.id !== vni) {
    const text = `${device} has VNI ${data.id}, and the network has ${vni}`;
    findings.push(at(path, hop, { ...told, cause: 'wrong-vni', text }));
  }
  if (data.port !== wantedPort) {
    const text = `${device} uses port ${data.port}, and the network ${wantedPort}`;
    findings.push(at(path, hop, { ...told, cause: 'wrong-port', text }));
  }
  return findings;
}

export const vtepChecks: Check = path => {
  if (!isVxlan(path)) return [];
  const { facts } = path.from;
  const device = path.tunnel ?? '';
  const route = routeTo(facts, path.to.address);
  // Without its route nothing asks for the neighbour.
  if (route?.dev !== device) return [];
  const next = route.gateway ?? path.to.address;
  const neighbour = facts.neighbours.find(({ dst, dev }) => dst === next && dev === device);
  if (!neighbour?.lladdr) {
    const text = `no MAC for ${next} on ${device}`;
    return [at(path, 'out', { cause: 'no-neighbour', text, show: `ip neigh show ${next} dev ${device}` })];
  }
  const mac = neighbour.lladdr.toLowerCase();
  return [...staleMac(path, next, mac), ...forwardingEntry(path, device, mac)];
};

/** Three say which MAC the peer has: the neighbour entry, the peer's record in etcd, and the peer's device. */
function staleMac(path: Path, next: string, mac: string): readonly Finding[] {
  const { to, tunnel = '' } = path;
  const real = link(to.facts, tunnel)?.address?.toLowerCase();
  if (real === undefined || real === mac) return [];
  const recorded = to.lease?.vtepMac?.toLowerCase();
  const vanishes = ['wrap', 'in'] as const;
  if (recorded !== real && recorded === mac) {
    const text = `${tunnel} has the MAC ${real}, and the lease of ${to.node} says ${recorded}`;
    const show = `ip link show ${tunnel}`;
    return [at(path, 'in', { cause: 'stale-mac', text, show, vanishes })];
  }
  const text = `the MAC for ${next} is ${mac}, and ${tunnel} of ${to.node} has ${real}`;
  const show = `ip neigh show ${next} dev ${tunnel}`;
  return [at(path, 'out', { cause: 'stale-neighbour', text, show, vanishes })];
}

function forwardingEntry(path: Path, device: string, mac: string): readonly Finding[] {
  const { publicIp, node } = path.to;
  const entries = path.from.facts.fdb.filter(({ ifname, dst }) => ifname === device && dst !== undefined);
  const of = (address: string) => entries.filter(entry => entry.mac === address).map(({ dst }) => dst);
  // All zeros is where a vxlan device sends what it has no entry for.
  const targets = of(mac).length > 0 ? of(mac) : of('00:00:00:00:00:00');
  const show = `bridge fdb show dev ${device} | grep ${mac}`;
  if (targets.length === 0) {
    return [at(path, 'wrap', { cause: 'no-fdb', text: `no FDB entry for ${mac} on ${device}`, show })];
  }
  if (targets.includes(publicIp)) return [];
  const text = `the FDB entry for ${mac} says ${targets.join(', ')}, and ${node} is ${publicIp}`;
  return [at(path, 'wrap', { cause: 'wrong-fdb', text, show, vanishes: ['wrap', 'wire'] })];
}

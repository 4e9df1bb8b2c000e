// A container must have an address on an interface that is up, and a default route to its docker0.
import { parseCidr } from '../../../lib/ip.ts';
import { leaseText } from '../../stored-lease.ts';
import { addressOf, isUp, link, routeText, routeTo } from '../lookup.ts';
import { bridge, type Path, type Side, uplink } from '../path.ts';
import { at, type Check, type Finding } from './finding.ts';

export const containerChecks: Check = path => [...sending(path), ...receiving(path)];

function sending(path: Path): readonly Finding[] {
  const { node, container, inside, facts } = path.from;
  const told = { node, place: container, vanishes: ['sender', 'to-bridge'] } as const;
  const down = interfaceProblem(path.from);
  if (down) return [at(path, 'sender', { ...told, ...down })];
  const route = routeTo(inside, path.to.address);
  const show = 'ip route';
  if (!route) {
    const text = `${container} has no default route`;
    return [at(path, 'sender', { ...told, cause: 'no-default-route', text, show })];
  }
  const own = addressOf(facts, bridge)?.split('/')[0];
  if (own === undefined || route.gateway === undefined || route.gateway === own) return [];
  const text = `${container} sends to ${route.gateway} (${routeText(route)}), and docker0 is ${own}`;
  return [at(path, 'sender', { ...told, cause: 'wrong-gateway', text, show })];
}

function receiving(path: Path): readonly Finding[] {
  const { node, container } = path.to;
  const down = interfaceProblem(path.to);
  const told = { node, place: container, vanishes: ['in', 'to-container'] } as const;
  return down ? [at(path, 'to-container', { ...told, ...down })] : [];
}

function interfaceProblem({ container, inside }: Side) {
  const found = link(inside, uplink);
  const show = `ip link show ${uplink}`;
  if (!found) return { cause: 'device-missing', text: `${container} has no ${uplink}`, show } as const;
  if (!isUp(found)) return { cause: 'device-down', text: `${uplink} of ${container} is down`, show } as const;
  return undefined;
}

/** docker0 must have an address of the lease, with the lease's prefix. */
export const leaseChecks: Check = path => [
  ...leaseProblem(path, path.from, 'from'),
  ...leaseProblem(path, path.to, 'to'),
];

function leaseProblem(
  path: Path,
  { node, publicIp, lease, facts }: Side,
  end: 'from' | 'to',
): readonly Finding[] {
  const hop = end === 'from' ? 'to-bridge' : 'in';
  const vanishes = end === 'from' ? (['sender', 'out'] as const) : (['out', 'to-container'] as const);
  if (!lease?.subnet) {
    const text = `etcd has no lease of ${node} (${publicIp})`;
    return [at(path, hop, { node, cause: 'no-lease', text, show: 'cat /run/flannel/subnet.env', vanishes })];
  }
  const address = addressOf(facts, bridge);
  const subnet = address === undefined ? undefined : parseCidr(address);
  if (!subnet) return [];
  const { base, length } = lease.subnet;
  if (subnet.base === base && subnet.length === length) return [];
  const text = `docker0 is ${address}, and the lease of ${node} is ${leaseText(lease)}`;
  const show = 'ip -4 address show docker0; cat /run/flannel/subnet.env';
  return [at(path, hop, { node, cause: 'docker0-mismatch', text, show, vanishes })];
}

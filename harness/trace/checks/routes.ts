// The sending node must have the route of the peer's lease, and the receiving one that of its docker0.
import { parseCidr } from '../../../lib/ip.ts';
import type { Route } from '../../ask.ts';
import { leaseText } from '../../stored-lease.ts';
import { routeText, routeTo } from '../lookup.ts';
import { bridge, type Path, uplink } from '../path.ts';
import { at, type Check, type Finding } from './finding.ts';

export const routeChecks: Check = path => [...sending(path), ...receiving(path)];

function sending(path: Path): readonly Finding[] {
  const { from, to, tunnel } = path;
  if (!path.known) return [];
  const route = routeTo(from.facts, to.address);
  const device = tunnel ?? uplink;
  // Where the device itself does not know who is behind it, the gateway says so.
  const viaPeer = tunnel === undefined || path.backend === 'ipip';
  const right = route?.dev === device && (!viaPeer || route.gateway === to.publicIp);
  if (right && route.type === undefined) return [];
  const subnet = to.lease ? leaseText(to.lease) : to.address;
  const absent = !route || isWiderThan(route, path.config.Network);
  const wanted = [viaPeer && `via ${to.publicIp}`, tunnel && `dev ${tunnel}`].filter(Boolean).join(' ');
  return [
    at(path, 'out', {
      cause: absent ? 'no-route' : 'wrong-route',
      text: absent
        ? `no route to ${subnet}`
        : `the route to ${subnet} is "${routeText(route)}", not ${wanted}`,
      show: `ip route get ${to.address}`,
      vanishes: ['out', 'wire'],
    }),
  ];
}

/** A default route, or one that is not of the overlay at all. */
function isWiderThan({ dst }: Route, network: string): boolean {
  return dst === 'default' || (parseCidr(dst)?.length ?? 32) < (parseCidr(network)?.length ?? 0);
}

function receiving(path: Path): readonly Finding[] {
  const { facts, address } = path.to;
  const route = routeTo(facts, address);
  if (route?.dev === bridge) return [];
  const text = `the route to ${address} is ${route ? `"${routeText(route)}"` : 'missing'}, not dev ${bridge}`;
  return [
    at(path, 'in', { cause: route ? 'wrong-route' : 'no-route', text, show: `ip route get ${address}` }),
  ];
}

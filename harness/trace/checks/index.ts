// All checks, in the order in which one explains the next: a device that is missing before the route that went with it.
import type { Path } from '../path.ts';
import { containerChecks, leaseChecks } from './container.ts';
import { bridgeChecks, tunnelChecks, uplinkChecks } from './devices.ts';
import type { Check, Finding } from './finding.ts';
import { filterChecks, forwardingChecks, reversePathChecks } from './forwarding.ts';
import { ipipChecks } from './ipip.ts';
import { legacyChecks } from './legacy.ts';
import { routeChecks } from './routes.ts';
import { pumpChecks } from './udp.ts';
import { arpChecks, mtuChecks } from './underlay.ts';
import { vtepChecks, vxlanDeviceChecks } from './vxlan.ts';
import { wireguardChecks } from './wireguard.ts';

const between: readonly Check[] = [
  uplinkChecks,
  bridgeChecks,
  leaseChecks,
  containerChecks,
  pumpChecks,
  tunnelChecks,
  vxlanDeviceChecks,
  forwardingChecks,
  reversePathChecks,
  routeChecks,
  vtepChecks,
  ipipChecks,
  wireguardChecks,
  legacyChecks,
  filterChecks,
  mtuChecks,
  arpChecks,
];

/** Containers of one node need none of what is between nodes. */
const local: readonly Check[] = [bridgeChecks, containerChecks];

/** What is wrong on one direction. */
export function findingsOn(path: Path): readonly Finding[] {
  const checks = path.from.node === path.to.node ? local : between;
  return checks.flatMap(check => check(path));
}

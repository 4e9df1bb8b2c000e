// A node's traffic for tests: one network, one subnet, everything on.
import type { Family } from '../../lib/ip.ts';
import type { Range, Traffic } from './rules.ts';

export const ranges: Readonly<Record<Family, Range>> = {
  4: { family: 4, network: '10.5.0.0/16', subnet: '10.5.3.0/24' },
  6: { family: 6, network: 'fd00:5::/48', subnet: 'fd00:5:0:3::/64' },
};

export interface TrafficGiven extends Partial<Omit<Traffic, 'networks'>> {
  /** Of earlier runs. */
  readonly former?: Traffic['networks'];
}

export function trafficOf({ former = [], ...given }: TrafficGiven = {}): Traffic {
  const standard = { mode: 'iptables', forward: true, masquerade: true, randomFully: true } as const;
  const own = given.ranges ?? [ranges[4]];
  return { ...standard, ranges: own, networks: [...own, ...former], ...given };
}

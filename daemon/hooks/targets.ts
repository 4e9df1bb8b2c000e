// What the commands are told of nodes and networks, in the variables that upstream documents.
import { type ByFamily, type Cidr, formatCidr } from '../../lib/ip.ts';
import type { LeaseKey, Subnets } from '../model/lease.ts';
import type { Peer } from '../model/peers.ts';
import type { Variables } from './shell.ts';

/** A peer as the commands see it. */
export interface Target {
  readonly key: LeaseKey;
  readonly variables: Variables;
  /** What the first command of that node has printed. */
  readonly data: string;
  /** The same for two targets that tell the commands the same. */
  readonly identity: string;
}

/** One target for each lease: a node with both families is two peers. */
export function targetsOf(peers: readonly Peer[]): ReadonlyMap<LeaseKey, Target> {
  const byLease = Map.groupBy(peers, ({ lease }) => lease.key);
  return new Map(
    [...byLease].map(([key, offers]) => {
      const subnets = Object.fromEntries(offers.map(({ family, subnet }) => [family, subnet]));
      const publicIps = Object.fromEntries(offers.map(({ family, publicIp }) => [family, publicIp]));
      const variables = nodeVariables(subnets, publicIps);
      const published = offers[0]?.lease.backendData[4];
      const data = typeof published === 'string' ? published : '';
      return [key, { key, variables, data, identity: JSON.stringify([variables, data]) }];
    }),
  );
}

/** A family that is not there has no variable. */
export function nodeVariables(subnets: Subnets, publicIps: ByFamily<string>): Variables {
  return {
    SUBNET: subnets[4] && formatCidr(subnets[4]),
    PUBLIC_IP: publicIps[4],
    IPV6SUBNET: subnets[6] && formatCidr(subnets[6]),
    PUBLIC_IPV6: publicIps[6],
  };
}

export function networkVariables(networks: ByFamily<Cidr>): Variables {
  return {
    NETWORK: networks[4] && formatCidr(networks[4]),
    IPV6NETWORK: networks[6] && formatCidr(networks[6]),
  };
}

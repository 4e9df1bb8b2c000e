// How this node treats its traffic, from the network's configuration and the flags.
import { families, formatCidr } from '../../lib/ip.ts';
import type { Subnets } from '../model/lease.ts';
import type { Traffic } from '../model/rules.ts';
import type { Settlement } from './node.ts';

export function trafficOf({ config, identity, options }: Settlement, subnets: Subnets): Traffic {
  return {
    mode: config.nftables ? 'nftables' : 'iptables',
    forward: options.iptablesForwardRules,
    masquerade: options.ipMasq,
    randomFully: !options.ipMasqFullyRandomDisable,
    ranges: families.flatMap(family => {
      const [network, subnet] = [config.ranges[family]?.network, subnets[family]];
      return network && subnet ? [{ family, network: formatCidr(network), subnet: formatCidr(subnet) }] : [];
    }),
    networks: identity.self.networks.map(network => ({
      family: network.family,
      network: formatCidr(network),
    })),
  };
}

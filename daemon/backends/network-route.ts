// What leads into the overlay on a device that finds out by itself which peer a packet is for.
import { addressIn, type Cidr, formatCidr } from '../../lib/ip.ts';
import { type NetState, usualMetric } from '../model/net-state.ts';

/** Our address, and one route for the whole network, as upstream has it. */
export function networkEntries(dev: string, subnet: Cidr, network: Cidr): NetState {
  const { family } = subnet;
  return [
    { kind: 'address', dev, address: `${addressIn(subnet, 0)}/${family === 4 ? 32 : 128}` },
    {
      kind: 'route',
      to: formatCidr(network),
      via: undefined,
      dev,
      onlink: false,
      metric: usualMetric[family],
      protocol: 'boot',
    },
  ];
}

// The text of subnet.env: what docker (through mk-docker-opts) and the next start of the daemon read.
import { type Cidr4, formatCidr4, hostIn, parseCidr4 } from '../../lib/ip.ts';
import { parseEnvFile } from './env-file.ts';

export interface SubnetEnv {
  readonly network: Cidr4;
  readonly subnet: Cidr4;
  /** Bytes. */
  readonly mtu: number;
  readonly ipMasq: boolean;
}

export function renderSubnetEnv({ network, subnet, mtu, ipMasq }: SubnetEnv): string {
  return [
    `FLANNEL_NETWORK=${formatCidr4(network)}`,
    `FLANNEL_SUBNET=${hostIn(subnet, 1)}`,
    `FLANNEL_MTU=${mtu}`,
    `FLANNEL_IPMASQ=${ipMasq}`,
    '',
  ].join('\n');
}

export interface PreviousEnv {
  readonly network: Cidr4 | undefined;
  readonly subnet: Cidr4 | undefined;
}

/** What an earlier run left; anything that is not one IPv4 prefix counts as none. Never throws. */
export function parseSubnetEnv(text: string): PreviousEnv {
  const values = parseEnvFile(text);
  return {
    network: parseCidr4(values.get('FLANNEL_NETWORK') ?? ''),
    subnet: parseCidr4(values.get('FLANNEL_SUBNET') ?? ''),
  };
}

// The text of subnet.env: what docker (through mk-docker-opts) and the next start of the daemon read.
import { type ByFamily, byFamily, type Cidr, families, formatCidr, hostIn, parseCidr } from '../../lib/ip.ts';
import { parseEnvFile } from './env-file.ts';
import type { Subnets } from './lease.ts';

export interface SubnetEnv {
  readonly networks: ByFamily<Cidr>;
  readonly subnets: Subnets;
  /** Bytes. */
  readonly mtu: number;
  readonly ipMasq: boolean;
}

const prefix = { 4: 'FLANNEL_', 6: 'FLANNEL_IPV6_' } as const;

export function renderSubnetEnv({ networks, subnets, mtu, ipMasq }: SubnetEnv): string {
  const lines = families.flatMap(family => {
    const [network, subnet] = [networks[family], subnets[family]];
    const name = prefix[family];
    return network && subnet
      ? [`${name}NETWORK=${formatCidr(network)}`, `${name}SUBNET=${hostIn(subnet, 1)}`]
      : [];
  });
  return [...lines, `FLANNEL_MTU=${mtu}`, `FLANNEL_IPMASQ=${ipMasq}`, ''].join('\n');
}

export interface PreviousEnv {
  readonly networks: ByFamily<Cidr>;
  readonly subnets: Subnets;
}

/** What an earlier run left; anything that is not one prefix of the right family counts as none. Never throws. */
export function parseSubnetEnv(text: string): PreviousEnv {
  const values = parseEnvFile(text);
  const read = (what: string) =>
    byFamily(families, family => {
      const found = parseCidr(values.get(`${prefix[family]}${what}`) ?? '');
      return found?.family === family ? found : undefined;
    });
  return { networks: read('NETWORK'), subnets: read('SUBNET') };
}

// Makes the network the nodes of a cluster are on, with a subnet of our own choice: Docker's default pools run out.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type Docker from 'dockerode';
import { UserError } from '../../../lib/errors.ts';
import {
  addressIn as addressInPrefix,
  type Cidr,
  cidr,
  formatCidr,
  overlaps,
  parseCidr,
  step,
} from '../../../lib/ip.ts';
import type { SitePlan } from '../driver.ts';
import { labelsOf } from './labels.ts';

export interface Underlay {
  readonly network: string;
  /** `198.18.7.0/24`. */
  readonly subnet: string;
}

/** 198.18.0.0/15 is set aside for testing networks (RFC 2544), so no real one uses it: room for 512 clusters. */
const first = cidr({ family: 4, value: 0xc6120000n }, 24);
const count = 512;

export async function createUnderlay(docker: Docker, { owner, mtu }: SitePlan): Promise<Underlay> {
  const taken = [...(await dockerSubnets(docker)), ...hostRoutes()];
  const free = candidates(owner.cluster).filter(subnet => !taken.some(other => overlaps(subnet, other)));
  const name = `flannel-lab-${owner.cluster}`;
  for (const subnet of free) {
    try {
      await docker.createNetwork({
        Name: name,
        CheckDuplicate: true,
        Driver: 'bridge',
        Labels: labelsOf(owner),
        IPAM: { Config: [{ Subnet: formatCidr(subnet), Gateway: addressInPrefix(subnet, 1) }] },
        Options: { 'com.docker.network.driver.mtu': String(mtu) },
      });
      return { network: name, subnet: formatCidr(subnet) };
    } catch (error) {
      // Another process may have taken it in between.
      if (!/overlap/i.test(String(error))) throw error;
    }
  }
  throw new UserError(
    `no subnet of ${formatCidr(cidr({ family: 4, value: first.base }, 15))} is free for a network`,
    {
      hint: 'npm run lab -- gc   # removes what dead runs left',
    },
  );
}

/** The address `offset` after the subnet's first. */
export function addressIn({ subnet }: Underlay, offset: number): string {
  const prefix = parseCidr(subnet);
  if (!prefix) throw new TypeError(`not a prefix: ${subnet}`);
  return addressInPrefix(prefix, offset);
}

/** All of them, starting at a place that differs from cluster to cluster, so that few try the same. */
function candidates(cluster: string): readonly Cidr[] {
  const start = createHash('sha256').update(cluster).digest().readUInt16BE(0);
  return Array.from({ length: count }, (_, index) => step(first, (start + index) % count));
}

async function dockerSubnets(docker: Docker): Promise<readonly Cidr[]> {
  const networks = await docker.listNetworks();
  return networks
    .flatMap(network => network.IPAM?.Config ?? [])
    .flatMap(config => parseCidr(config.Subnet ?? '') ?? []);
}

/** Whether its addresses can be dialled from here; an engine in a virtual machine or elsewhere keeps them to itself. */
export function isOnThisMachine({ subnet }: Underlay): boolean {
  return hostRoutes().some(route => formatCidr(route) === subnet);
}

/** From /proc/net/route, whose numbers are in the machine's byte order: little-endian wherever Docker runs. */
function hostRoutes(): readonly Cidr[] {
  const number = (hex: string | undefined) => Buffer.from(hex ?? '', 'hex').readUInt32LE(0);
  return readFileSync('/proc/net/route', 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split('\t'))
    .map(fields => {
      const length = number(fields[7]).toString(2).replaceAll('0', '').length;
      return cidr({ family: 4, value: BigInt(number(fields[1])) }, length);
    })
    .filter(({ length }) => length > 0);
}

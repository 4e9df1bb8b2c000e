// What this host remembers of its lease while it is up, so that a new public IP does not make it a stranger.
import { readFileSync, readlinkSync } from 'node:fs';
import * as z from 'zod/mini';
import {
  type Lease,
  type LeaseTerms,
  type Subnets,
  sameNode,
  sameSubnets,
  sameTerms,
} from '../model/lease.ts';
import { writeAtomically } from './files.ts';

const memory = z.object({
  /** Which host wrote it, since which boot: a cloned disk must not inherit the lease. */
  host: z.string(),
  key: z.string(),
  publicIps: z.object({ 4: z.optional(z.string()), 6: z.optional(z.string()) }),
});
export type Memory = z.infer<typeof memory>;

/** Beside subnet.env, so that two daemons with two subnet files have two memories. */
const pathOf = (subnetFile: string) => `${subnetFile}.lease`;

/** Undefined when there is none, or none that can be read. */
export function readMemory(subnetFile: string): Memory | undefined {
  try {
    return memory.parse(JSON.parse(readFileSync(pathOf(subnetFile), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Throws when it cannot be written. */
export function writeMemory(subnetFile: string, { key, publicIps }: Lease): void {
  writeAtomically(pathOf(subnetFile), `${JSON.stringify({ host: hostIdentity(), key, publicIps })}\n`);
}

export interface Evidence {
  readonly memory: Memory | undefined;
  /** What subnet.env says we had. */
  readonly previous: Subnets;
  readonly terms: LeaseTerms;
  /** Whether the terms hold something no other node can have, such as the MAC of our device. */
  readonly isUnique: boolean;
}

/** Whether a lease is this host's own, by more than an address that others may have too. */
export function isProven({ memory: known, previous, terms, isUnique }: Evidence, lease: Lease): boolean {
  if (known?.key === lease.key && known.host === hostIdentity() && samePublicIps(known, lease)) return true;
  if (!sameNode(lease, terms)) return false;
  return sameSubnets(previous, lease.subnets) || (isUnique && sameTerms(lease, terms));
}

function samePublicIps({ publicIps: a }: Memory, { publicIps: b }: Lease): boolean {
  return a[4] === b[4] && a[6] === b[6];
}

/** This network namespace of this boot of this machine. */
export function hostIdentity(): string {
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/net')}`;
}

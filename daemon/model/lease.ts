// A subnet lease as every flannel node of a cluster sees it, and what a node publishes about itself.
import { type ByFamily, type Cidr, families, overlaps, sameCidr } from '../../lib/ip.ts';

/** The last part of an etcd key, e.g. `10.5.34.0-24`: the identity of a lease. */
export type LeaseKey = string;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The subnet of each family that a lease is for; at least one. */
export type Subnets = ByFamily<Cidr>;

/** What a node publishes: where it is reached, and what its backend wants peers to know. */
export interface LeaseTerms {
  /** Canonical text; what a record spells 0.0.0.0 or null is absent. */
  readonly publicIps: ByFamily<string>;
  /** Empty for udp and alloc, as upstream leaves the field out. */
  readonly backendType: string;
  /** BackendData and BackendV6Data; absent where the record has no such field. */
  readonly backendData: ByFamily<Json>;
}

/** A record that holds subnets, whatever else it says. */
export interface Holding {
  readonly key: LeaseKey;
  readonly subnets: Subnets;
  /** The registry's revision when the record came to be; writing it again does not change this. */
  readonly created: number;
}

export interface Lease extends LeaseTerms, Holding {
  /** Grows with each write of the record; what a conditional write compares. */
  readonly revision: number;
  /** What bounds the record's life in the registry (opaque); undefined for a reservation, which never expires. */
  readonly grant: string | undefined;
}

/** Whether two leases say the same to a backend: everything but when they were written. */
export function sameTerms(a: LeaseTerms, b: LeaseTerms): boolean {
  return (
    a.backendType === b.backendType &&
    families.every(
      family =>
        a.publicIps[family] === b.publicIps[family] &&
        canonical(a.backendData[family]) === canonical(b.backendData[family]),
    )
  );
}

/** By which a node is known: of IPv4 where it has one, else of IPv6; undefined where it has none. */
export function addressOf({ publicIps }: Partial<Pick<LeaseTerms, 'publicIps'>>): string | undefined {
  return publicIps?.[4] ?? publicIps?.[6];
}

/** Whether both were written by a node of one address: of IPv4 where either has it, as upstream compares, else of IPv6. */
export function sameNode({ publicIps: a }: LeaseTerms, { publicIps: b }: LeaseTerms): boolean {
  if (a[4] !== undefined || b[4] !== undefined) return a[4] === b[4];
  return a[6] !== undefined && a[6] === b[6];
}

export function sameSubnets(a: Subnets, b: Subnets): boolean {
  return families.every(family => {
    const [left, right] = [a[family], b[family]];
    return left && right ? sameCidr(left, right) : left === right;
  });
}

/**
 * Who had some of the same addresses before `own` came to be. The registry lets nobody create the same key twice, but
 * `10.5.3.0-24`, `10.5.2.0-23` and `10.5.3.0-24&fd00:5:0:3::-64` are different keys. Among nodes that look after they
 * created their record, and leave where there is somebody, no two keep the same addresses.
 */
export function olderRival<T extends Holding>(records: readonly T[], own: Holding): T | undefined {
  return records.find(
    ({ key, subnets, created }) =>
      key !== own.key && created < own.created && overlapping(subnets, own.subnets),
  );
}

function overlapping(a: Subnets, b: Subnets): boolean {
  return families.some(family => {
    const [left, right] = [a[family], b[family]];
    return left && right && overlaps(left, right);
  });
}

/** Text that does not depend on the order of object members. */
function canonical(value: Json | undefined): string {
  if (value === undefined || value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`;
}

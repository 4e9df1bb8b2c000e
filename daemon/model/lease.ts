// A subnet lease as every flannel node of a cluster sees it, and what a node publishes about itself.
import type { Cidr4 } from '../../lib/ip.ts';

/** The last part of an etcd key, e.g. `10.5.34.0-24`: the identity of a lease. */
export type LeaseKey = string;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** What a node publishes: where it is reached, and what its backend wants peers to know. */
export interface LeaseTerms {
  /** Unsigned 32-bit; 0 when the record has none (IPv6-only peers). */
  readonly publicIp: number;
  readonly publicIp6: string | null;
  /** Empty for udp and alloc, as upstream leaves the field out. */
  readonly backendType: string;
  /** Undefined when the record has no such field. */
  readonly backendData: Json | undefined;
  readonly backendV6Data: Json | undefined;
}

export interface Lease extends LeaseTerms {
  readonly key: LeaseKey;
  /** 0.0.0.0/0 for a peer without IPv4: never a route. */
  readonly subnet: Cidr4;
  /** The IPv6 part of a dual-stack key in CIDR form, as its writer spelled it. */
  readonly subnet6: string | undefined;
  /** Grows with each write of the record; what a conditional write compares. */
  readonly revision: number;
  /** What bounds the record's life in the registry (opaque); undefined for a reservation, which never expires. */
  readonly grant: string | undefined;
}

/** Whether two leases say the same to a backend: everything but when they were written. */
export function sameTerms(a: LeaseTerms, b: LeaseTerms): boolean {
  return (
    a.publicIp === b.publicIp &&
    a.publicIp6 === b.publicIp6 &&
    a.backendType === b.backendType &&
    sameJson(a.backendData, b.backendData) &&
    sameJson(a.backendV6Data, b.backendV6Data)
  );
}

function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  return canonical(a) === canonical(b);
}

/** Text that does not depend on the order of object members. */
function canonical(value: Json | undefined): string {
  if (value === undefined || value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`;
}

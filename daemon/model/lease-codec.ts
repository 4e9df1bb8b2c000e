// Lease keys and values as flannel writes them to etcd; reading never throws, and emits only the canonical form.
import * as z from 'zod/mini';
import { addressIn, type Cidr, canonicalIp, cidr, familyOf, parseIp } from '../../lib/ip.ts';
import type { Json, LeaseKey, LeaseTerms, Subnets } from './lease.ts';

/** How a record and a key without IPv4 spell that. */
const none = '0.0.0.0';

/** `10.5.34.0-24`, `10.5.7.0-24&fd00:5:0:a::-64` or, without IPv4, `0.0.0.0-0&fd00:5:0:a::-64`. */
export function encodeKey(subnets: Subnets): LeaseKey {
  const part = (subnet: Cidr) => `${addressIn(subnet, 0)}-${subnet.length}`;
  const first = subnets[4] ? part(subnets[4]) : `${none}-0`;
  return subnets[6] ? `${first}&${part(subnets[6])}` : first;
}

const keyPattern = /^(\d{1,3}(?:\.\d{1,3}){3})-(\d{1,2})(?:&([0-9a-fA-F:.]+)-(\d{1,3}))?$/;

/** The subnets a key names, or undefined when it is no lease's. */
export function parseKey(key: string): Subnets | undefined {
  const [, address = '', bits = '', address6, bits6] = keyPattern.exec(key) ?? [];
  const ip = parseIp(address);
  const ip6 = parseIp(address6 ?? '');
  // Upstream reads the length into 5 (IPv6: 7) bits, so /32 and /128 leases cannot exist.
  if (ip?.family !== 4 || Number(bits) > 31) return undefined;
  if (address6 !== undefined && (ip6?.family !== 6 || Number(bits6) > 127)) return undefined;
  const subnets = {
    ...(bits === '0' ? {} : { 4: cidr(ip, Number(bits)) }),
    ...(ip6 ? { 6: cidr(ip6, Number(bits6)) } : {}),
  };
  return subnets[4] || subnets[6] ? subnets : undefined;
}

/** Compact JSON with upstream's field order; `PublicIPv6` is always there. */
export function encodeValue({ publicIps, backendType, backendData }: LeaseTerms): string {
  return JSON.stringify({
    PublicIP: publicIps[4] ?? none,
    PublicIPv6: publicIps[6] ?? null,
    BackendType: backendType || undefined,
    BackendData: backendData[4],
    BackendV6Data: backendData[6],
  });
}

const leaseValue = z.object({
  PublicIP: z.optional(z.string()),
  PublicIPv6: z.optional(z.nullable(z.string())),
  BackendType: z.optional(z.nullable(z.string())),
  BackendData: z.optional(z.unknown()),
  BackendV6Data: z.optional(z.unknown()),
});

export type ParsedValue = { readonly terms: LeaseTerms } | { readonly problem: string };

/** Reads a record of any flannel version; what is wrong with it is a value, for one log line. */
export function parseValue(text: string): ParsedValue {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'not valid JSON' };
  }
  const { success, data, error } = leaseValue.safeParse(json);
  if (!success) {
    const [issue] = error.issues;
    return { problem: `${issue?.path.join('.') || 'the record'}: ${issue?.message ?? 'invalid'}` };
  }
  const publicIp = canonicalIp(data.PublicIP ?? none);
  if (publicIp === undefined || familyOf(publicIp) !== 4)
    return { problem: `PublicIP: ${data.PublicIP} is not an IPv4 address` };
  const publicIp6 = data.PublicIPv6 ? canonicalIp(data.PublicIPv6) : '';
  if (publicIp6 === undefined || (publicIp6 && familyOf(publicIp6) !== 6))
    return { problem: `PublicIPv6: ${data.PublicIPv6} is not an IPv6 address` };
  const publicIps = {
    ...(publicIp === none ? {} : { 4: publicIp }),
    ...(publicIp6 ? { 6: publicIp6 } : {}),
  };
  // Both came out of JSON.parse.
  const backendData = present({ 4: data.BackendData as Json, 6: data.BackendV6Data as Json });
  return { terms: { publicIps, backendType: data.BackendType ?? '', backendData } };
}

/** Without the members that are undefined. */
function present<T>({ 4: v4, 6: v6 }: { readonly 4: T | undefined; readonly 6: T | undefined }) {
  return { ...(v4 === undefined ? {} : { 4: v4 }), ...(v6 === undefined ? {} : { 6: v6 }) };
}

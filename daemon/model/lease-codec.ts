// Lease keys and values as flannel writes them to etcd; reading never throws, and emits only the canonical form.
import { isIPv6 } from 'node:net';
import * as z from 'zod/mini';
import { type Cidr4, cidr4, formatIp4, parseIp4 } from '../../lib/ip.ts';
import type { Json, LeaseKey, LeaseTerms } from './lease.ts';

/** `10.5.34.0-24`, with one dash. */
export function encodeKey({ base, length }: Cidr4): LeaseKey {
  return `${formatIp4(base)}-${length}`;
}

export interface ParsedKey {
  readonly subnet: Cidr4;
  readonly subnet6: string | undefined;
}

const keyPattern = /^(\d{1,3}(?:\.\d{1,3}){3})-(\d{1,2})(?:&([0-9a-fA-F:.]+)-(\d{1,3}))?$/;

/** The subnets a key names (`10.5.7.0-24`, `10.5.7.0-24&fd00:5::-64`), or undefined when it is none of ours. */
export function parseKey(key: string): ParsedKey | undefined {
  const [, address = '', bits = '', address6, bits6] = keyPattern.exec(key) ?? [];
  const ip = parseIp4(address);
  const length = Number(bits);
  // Upstream reads the length into 5 (IPv6: 7) bits, so /32 and /128 leases cannot exist.
  if (ip === undefined || length > 31) return undefined;
  const subnet = cidr4(ip, length);
  if (address6 === undefined) return { subnet, subnet6: undefined };
  if (!isIPv6(address6) || Number(bits6) > 127) return undefined;
  return { subnet, subnet6: `${address6}/${bits6}` };
}

/** Compact JSON with upstream's field order; `PublicIPv6` is always there. */
export function encodeValue(terms: LeaseTerms): string {
  const { publicIp, publicIp6, backendType, backendData, backendV6Data } = terms;
  return JSON.stringify({
    PublicIP: formatIp4(publicIp),
    PublicIPv6: publicIp6,
    BackendType: backendType || undefined,
    BackendData: backendData,
    BackendV6Data: backendV6Data,
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
  const publicIp = data.PublicIP === undefined ? 0 : parseIp4(data.PublicIP);
  if (publicIp === undefined) return { problem: `PublicIP: ${data.PublicIP} is not an IPv4 address` };
  const publicIp6 = data.PublicIPv6 || null;
  if (publicIp6 !== null && !isIPv6(publicIp6))
    return { problem: `PublicIPv6: ${publicIp6} is not an IPv6 address` };
  return {
    terms: {
      publicIp,
      publicIp6,
      backendType: data.BackendType ?? '',
      // Both came out of JSON.parse.
      backendData: data.BackendData as Json | undefined,
      backendV6Data: data.BackendV6Data as Json | undefined,
    },
  };
}

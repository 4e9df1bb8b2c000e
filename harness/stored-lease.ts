// A lease record as the harness reads it: the key's text, and of the value's JSON what checks compare.
import { type Cidr, formatCidr, parseCidr } from '../lib/ip.ts';

/** One key under `<prefix>/subnets`, as flannel nodes read it (the key's text, and the value's JSON). */
export interface StoredLease {
  readonly key: string;
  readonly subnet: Cidr | undefined;
  readonly publicIp: string | undefined;
  readonly backendType: string | undefined;
  readonly vtepMac: string | undefined;
  /** Of wireguard. */
  readonly publicKey: string | undefined;
  readonly value: string;
}

export function storedLease(key: string, value: string): StoredLease {
  const record = parseObject(value);
  const text = (name: string) => textIn(record, name);
  const data = record?.BackendData;
  return {
    key,
    value,
    subnet: parseCidr(key.split('&')[0]?.replace('-', '/') ?? ''),
    publicIp: text('PublicIP'),
    backendType: text('BackendType'),
    vtepMac: isObject(data) ? textIn(data, 'VtepMAC') : undefined,
    publicKey: isObject(data) ? textIn(data, 'PublicKey') : undefined,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function textIn(record: Record<string, unknown> | undefined, name: string): string | undefined {
  const value = record?.[name];
  return typeof value === 'string' ? value : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `10.5.3.0/24` of a lease, or its raw key when that is not a subnet. */
export function leaseText(lease: StoredLease): string {
  return lease.subnet ? formatCidr(lease.subnet) : lease.key;
}

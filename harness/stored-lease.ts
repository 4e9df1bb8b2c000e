// A lease record as the harness reads it: the key's text, and of the value's JSON what checks compare.
import { type Cidr, type Family, formatCidr, parseCidr } from '../lib/ip.ts';

/** One key under `<prefix>/subnets`, as flannel nodes read it (the key's text, and the value's JSON). */
export interface StoredLease {
  readonly key: string;
  /** What it says of IPv4. */
  readonly subnet: Cidr | undefined;
  readonly publicIp: string | undefined;
  readonly backendType: string | undefined;
  readonly vtepMac: string | undefined;
  /** Of wireguard. */
  readonly publicKey: string | undefined;
  readonly value: string;
  /** The same of IPv6, where the lease has it. */
  readonly six?: LeasePart;
}

/** What a lease says of one family. */
export interface LeasePart {
  readonly subnet: Cidr;
  readonly publicIp: string | undefined;
  readonly vtepMac: string | undefined;
  readonly publicKey: string | undefined;
}

/** Undefined where it has no subnet of that family. */
export function partOf(
  { subnet, publicIp, vtepMac, publicKey, six }: StoredLease,
  family: Family,
): LeasePart | undefined {
  if (family === 6) return six;
  return subnet && { subnet, publicIp, vtepMac, publicKey };
}

/** Of all families it has. */
export function subnetsOf({ subnet, six }: StoredLease): readonly Cidr[] {
  return [subnet, six?.subnet].filter(each => each !== undefined);
}

export function storedLease(key: string, value: string): StoredLease {
  const record = parseObject(value);
  const text = (name: string) => textIn(record, name);
  const data = (name: string) => (isObject(record?.[name]) ? record[name] : {});
  const [four = '', six = ''] = key.split('&');
  const subnet = parseCidr(four.replace('-', '/'));
  const subnet6 = parseCidr(six.replace('-', '/'));
  return {
    key,
    value,
    // A key without IPv4 begins with a prefix of no length.
    subnet: subnet?.length === 0 ? undefined : subnet,
    publicIp: text('PublicIP'),
    backendType: text('BackendType'),
    vtepMac: textIn(data('BackendData'), 'VtepMAC'),
    publicKey: textIn(data('BackendData'), 'PublicKey'),
    ...(subnet6
      ? {
          six: {
            subnet: subnet6,
            publicIp: text('PublicIPv6'),
            vtepMac: textIn(data('BackendV6Data'), 'VtepMAC'),
            publicKey: textIn(data('BackendV6Data'), 'PublicKey'),
          },
        }
      : {}),
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

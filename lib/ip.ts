// IP prefixes of both families as numbers to calculate with; addresses elsewhere are text in its one canonical form.

export type Family = 4 | 6;

/** Something there is of IPv4, of IPv6, of both or of neither. */
export type ByFamily<T> = { readonly [family in Family]?: T | undefined };

export const families: readonly Family[] = [4, 6];

/** What `of` says of each of these families; undefined where it says nothing. */
export function byFamily<T>(among: readonly Family[], of: (family: Family) => T | undefined): ByFamily<T> {
  return Object.fromEntries(among.map(family => [family, of(family)]));
}

export interface Ip {
  readonly family: Family;
  readonly value: bigint;
}

/** A prefix whose host bits are zero. */
export interface Cidr {
  readonly family: Family;
  readonly base: bigint;
  /** 0–32, or 0–128. */
  readonly length: number;
}

const bits: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** Any spelling of an IPv6 address without a zone, or a canonical dotted quad; otherwise undefined. */
export function parseIp(text: string): Ip | undefined {
  const value = text.includes(':') ? parse6(text) : parse4(text);
  return value === undefined ? undefined : { family: text.includes(':') ? 6 : 4, value };
}

/** As RFC 5952 has it for IPv6: lower case, the longest run of zeros left out. */
export function formatIp({ family, value }: Ip): string {
  return family === 4 ? format4(Number(value)) : format6(value);
}

/** The one spelling that is compared, or undefined unless `text` is an address. */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text);
  return ip && formatIp(ip);
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

/** The prefix of `length` that contains the address: host bits are cleared. */
export function cidr({ family, value }: Ip, length: number): Cidr {
  const host = BigInt(bits[family] - length);
  return { family, base: (value >> host) << host, length };
}

/** Parses `a.b.c.d/n` and `x::/n`; host bits are cleared, as flannel does on reading. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const ip = parseIp(address);
  if (!ip || rest.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > bits[ip.family])
    return undefined;
  return cidr(ip, Number(length));
}

export function formatCidr(prefix: Cidr): string {
  return `${addressIn(prefix, 0)}/${prefix.length}`;
}

/** How many addresses a prefix holds. */
export function size({ family, length }: Cidr): bigint {
  return 1n << BigInt(bits[family] - length);
}

/** The last address of the prefix. */
export function last(prefix: Cidr): bigint {
  return prefix.base + size(prefix) - 1n;
}

/** Whether the address, or the whole of the prefix, lies inside. */
export function contains(outer: Cidr, inner: Ip | Cidr): boolean {
  if (outer.family !== inner.family) return false;
  const [from, to] = 'value' in inner ? [inner.value, inner.value] : [inner.base, last(inner)];
  return from >= outer.base && to <= last(outer);
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.base <= last(b) && b.base <= last(a);
}

export function sameCidr(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.base === b.base && a.length === b.length;
}

/** The prefix of the same size `offset` prefixes further on; the caller keeps it inside the address space. */
export function step(prefix: Cidr, offset: number): Cidr {
  return { ...prefix, base: prefix.base + BigInt(offset) * size(prefix) };
}

/** The address `offset` after the base: `addressIn(10.5.3.0/24, 1)` is `10.5.3.1`. */
export function addressIn({ family, base }: Cidr, offset: number): string {
  return formatIp({ family, value: base + BigInt(offset) });
}

/** The same with the length of the prefix: `10.5.3.1/24`. */
export function hostIn(prefix: Cidr, offset: number): string {
  return `${addressIn(prefix, offset)}/${prefix.length}`;
}

function parse4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return BigInt(value);
}

function format4(ip: number): string {
  return [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.');
}

/** Not by net.isIPv6: the pattern behind it takes 4 ms to compile, a good part of a daemon's start. */
function parse6(text: string): bigint | undefined {
  const [, head = text, quad] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  const tail = quad === undefined ? undefined : parse4(quad);
  if (quad !== undefined && tail === undefined) return undefined;
  const hex =
    tail === undefined ? text : `${head}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  const [left = [], right = [], ...more] = hex.split('::').map(half => (half === '' ? [] : half.split(':')));
  const given = [...left, ...right];
  const fits = hex.includes('::') ? given.length < 8 : given.length === 8;
  if (!fits || more.length > 0 || !given.every(group => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  const zeros = Array<string>(8 - given.length).fill('0');
  const groups = [...left, ...zeros, ...right];
  return BigInt(`0x${groups.map(group => group.padStart(4, '0')).join('')}`);
}

function format6(value: bigint): string {
  const digits = value.toString(16).padStart(32, '0');
  const groups = digits.match(/..../g) ?? [];
  const text = groups.map(group => Number.parseInt(group, 16).toString(16)).join(':');
  // The first of the longest: sorting keeps the order of equals.
  const [run] = [...text.matchAll(/\b0(?::0)+\b/g)].sort(([a], [b]) => b.length - a.length);
  if (!run) return text;
  const before = text.slice(0, run.index).replace(/:$/, '');
  const after = text.slice(run.index + run[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

// IPv4 addresses and prefixes as unsigned 32-bit numbers; text is parsed and printed only here.

/** An IPv4 prefix whose host bits are zero. `base` is an unsigned 32-bit number, `length` 0–32. */
export interface Cidr4 {
  readonly base: number;
  readonly length: number;
}

/** The address as an unsigned 32-bit number, or undefined unless it is a canonical dotted quad. */
export function parseIp4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIp4(ip: number): string {
  return [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.');
}

/** The netmask of a prefix length as an unsigned 32-bit number. */
export function netmask(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

/** The prefix of `length` that contains `ip`: host bits are cleared. */
export function cidr4(ip: number, length: number): Cidr4 {
  return { base: (ip & netmask(length)) >>> 0, length };
}

/** Parses `a.b.c.d/n`; host bits are cleared, as flannel does on reading. */
export function parseCidr4(text: string): Cidr4 | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const ip = parseIp4(address);
  if (ip === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length) || Number(length) > 32)
    return undefined;
  return cidr4(ip, Number(length));
}

export function formatCidr4({ base, length }: Cidr4): string {
  return `${formatIp4(base)}/${length}`;
}

/** How many addresses a prefix holds; a plain number, 2^32 for /0. */
export function size({ length }: Cidr4): number {
  return 2 ** (32 - length);
}

/** The last address of the prefix. */
export function last(cidr: Cidr4): number {
  return cidr.base + size(cidr) - 1;
}

export function contains(cidr: Cidr4, ip: number): boolean {
  return ip >= cidr.base && ip <= last(cidr);
}

export function overlaps(a: Cidr4, b: Cidr4): boolean {
  return a.base <= last(b) && b.base <= last(a);
}

export function sameCidr(a: Cidr4, b: Cidr4): boolean {
  return a.base === b.base && a.length === b.length;
}

/** The network `offset` prefixes of the same size further on; the caller keeps it inside 32 bits. */
export function step({ base, length }: Cidr4, offset: number): Cidr4 {
  return { base: base + offset * 2 ** (32 - length), length };
}

/** `a.b.c.d/n` of one address inside the prefix, `offset` after its base: `hostIn(10.5.3.0/24, 1)` is `10.5.3.1/24`. */
export function hostIn(cidr: Cidr4, offset: number): string {
  return `${formatIp4(cidr.base + offset)}/${cidr.length}`;
}

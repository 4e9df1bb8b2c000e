// The network configuration of a cluster: read as Go's decoder reads it, checked, and turned into ranges.
import * as z from 'zod/mini';
import {
  type Cidr4,
  cidr4,
  contains,
  formatCidr4,
  formatIp4,
  last,
  parseCidr4,
  parseIp4,
  size,
} from '../../lib/ip.ts';
import { type GoJson, parseGoJson } from './go-json.ts';

export interface NetworkConfig {
  readonly network: Cidr4;
  /** Prefix length of each node's subnet. */
  readonly subnetLength: number;
  /** The first and the last subnet that may be leased, both included. */
  readonly first: Cidr4;
  readonly last: Cidr4;
  /** Lower-cased; `udp` when the document has no Backend, empty when Backend has no Type. */
  readonly backendType: string;
  /** The Backend object with its members in lower case. */
  readonly backend: GoJson;
}

/** One thing to mend in the document: which key, which value, and what is wrong with it. */
export interface ConfigProblem {
  readonly key: string;
  readonly value: string;
  readonly problem: string;
}

export type ConfigResult =
  | { readonly config: NetworkConfig }
  | { readonly problems: readonly ConfigProblem[] };

const ip4 = z.string().check(z.refine(text => parseIp4(text) !== undefined, 'is not an IPv4 address'));
const cidr = z
  .string()
  .check(z.refine(text => parseCidr4(text) !== undefined, 'is not an IPv4 prefix such as 10.5.0.0/16'));
const whole = z.int('is not a whole number').check(z.nonnegative('is negative'));

// Member names in lower case: Go matches them so.
const document = z.object({
  network: z.optional(cidr),
  subnetlen: z.optional(whole),
  subnetmin: z.optional(ip4),
  subnetmax: z.optional(ip4),
  enableipv4: z.optional(z.boolean('is not true or false')),
  enableipv6: z.optional(z.boolean('is not true or false')),
  backend: z.optional(z.looseObject({ type: z.optional(z.string('is not a string')) }, 'is not an object')),
});
const names: Readonly<Record<string, string>> = {
  network: 'Network',
  subnetlen: 'SubnetLen',
  subnetmin: 'SubnetMin',
  subnetmax: 'SubnetMax',
  enableipv4: 'EnableIPv4',
  enableipv6: 'EnableIPv6',
  backend: 'Backend',
  type: 'Type',
};

/** Reads and checks the text at `<prefix>/config`. Never throws. */
export function parseNetworkConfig(text: string): ConfigResult {
  const parsed = parseGoJson(text);
  if ('problem' in parsed) return { problems: [{ key: '', value: text, problem: parsed.problem }] };
  const read = document.safeParse(dropNulls(parsed.value));
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message }) => ({
      key: path.map(part => names[String(part)] ?? String(part)).join('.'),
      value: valueAt(parsed.value, path),
      problem: message,
    }));
    return { problems };
  }
  return checkRanges(read.data);
}

function checkRanges(read: z.infer<typeof document>): ConfigResult {
  const fail = (key: string, value: string, problem: string): ConfigResult => ({
    problems: [{ key, value, problem }],
  });
  if (read.enableipv4 === false) return fail('EnableIPv4', 'false', 'IPv6-only networks are not built yet');
  if (read.enableipv6) return fail('EnableIPv6', 'true', 'IPv6 is not built yet');
  const network = read.network === undefined ? undefined : parseCidr4(read.network);
  // 0.0.0.0/0 is how upstream spells "none".
  if (!network || (network.base === 0 && network.length === 0))
    return fail('Network', read.network ?? '', 'is missing; give the IPv4 prefix of the whole cluster');

  const given = read.subnetlen ?? 0;
  if (given === 0 && network.length > 28)
    return fail('Network', formatCidr4(network), 'is too small; it must be /28 or larger');
  if (given > 30) return fail('SubnetLen', String(given), 'must be at most 30');
  if (given > 0 && given < network.length + 2)
    return fail(
      'SubnetLen',
      String(given),
      `must be at least ${network.length + 2} inside ${formatCidr4(network)}`,
    );
  const subnetLength = given || (network.length <= 22 ? 24 : network.length + 2);

  const bounds = {
    first: network.base + 2 ** (32 - subnetLength),
    last: last(network) - 2 ** (32 - subnetLength) + 1,
  };
  const limits = [
    { key: 'SubnetMin', ip: ipOr(read.subnetmin, bounds.first) },
    { key: 'SubnetMax', ip: ipOr(read.subnetmax, bounds.last) },
  ] as const;
  for (const { key, ip } of limits) {
    if (!contains(network, ip))
      return fail(key, formatIp4(ip), `is outside of Network ${formatCidr4(network)}`);
    if (cidr4(ip, subnetLength).base !== ip)
      return fail(key, formatIp4(ip), `is not the first address of a /${subnetLength}`);
  }
  const [min, max] = limits;
  if (min.ip > max.ip) return fail('SubnetMin', formatIp4(min.ip), `is above SubnetMax ${formatIp4(max.ip)}`);
  return {
    config: {
      network,
      subnetLength,
      first: cidr4(min.ip, subnetLength),
      last: cidr4(max.ip, subnetLength),
      backendType: read.backend === undefined ? 'udp' : (read.backend.type ?? '').toLowerCase(),
      backend: (read.backend ?? {}) as GoJson,
    },
  };
}

/** Whether a lease on `subnet` may be kept under this configuration. */
export function fits({ first, last: end, subnetLength }: NetworkConfig, subnet: Cidr4): boolean {
  return subnet.length === subnetLength && subnet.base >= first.base && subnet.base <= end.base;
}

/** How many subnets the range has. */
export function capacity({ first, last: end }: NetworkConfig): number {
  return (end.base - first.base) / size(first) + 1;
}

/** An absent bound and 0.0.0.0 both mean the default. */
function ipOr(text: string | undefined, otherwise: number): number {
  return (text === undefined ? 0 : parseIp4(text)) || otherwise;
}

/** For counts, flags and objects `null` means absent; for addresses Go refuses it. */
function dropNulls(value: GoJson): GoJson {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value ?? {};
  const strict = ['network', 'subnetmin', 'subnetmax'];
  const kept = Object.entries(value).filter(([name, member]) => member !== null || strict.includes(name));
  // A Backend of null has no Type, which is not the same as no Backend.
  const backend = 'backend' in value && value.backend === null ? { backend: {} } : {};
  return { ...Object.fromEntries(kept), ...backend };
}

function valueAt(value: GoJson, path: readonly PropertyKey[]): string {
  let at: unknown = value;
  for (const part of path) at = at !== null && typeof at === 'object' ? Reflect.get(at, part) : undefined;
  return JSON.stringify(at) ?? '';
}

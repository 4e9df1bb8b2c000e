// The network configuration of a cluster: read as Go's decoder reads it, checked, and turned into ranges.
import * as z from 'zod/mini';
import {
  type ByFamily,
  byFamily,
  type Cidr,
  cidr,
  contains,
  type Family,
  families,
  formatCidr,
  formatIp,
  type Ip,
  last,
  parseCidr,
  parseIp,
  size,
  step,
} from '../../lib/ip.ts';
import { type GoJson, parseGoJson } from './go-json.ts';
import type { Subnets } from './lease.ts';

/** Where the subnets of one family come from. */
export interface Range {
  readonly network: Cidr;
  /** The first and the last subnet that may be leased, both included. */
  readonly first: Cidr;
  readonly last: Cidr;
}

export interface NetworkConfig {
  /** Of each family that is enabled; at least one. */
  readonly ranges: ByFamily<Range>;
  /** Whether the traffic rules are nftables rules rather than iptables ones. */
  readonly nftables: boolean;
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

const ipOf = (family: Family) =>
  z.string().check(z.refine(text => parseIp(text)?.family === family, `is not an IPv${family} address`));
const prefixOf = (family: Family, example: string) =>
  z
    .string()
    .check(
      z.refine(
        text => parseCidr(text)?.family === family,
        `is not an IPv${family} prefix such as ${example}`,
      ),
    );
const whole = z.int('is not a whole number').check(z.nonnegative('is negative'));
const flag = z.boolean('is not true or false');

// Member names in lower case: Go matches them so.
const document = z.object({
  network: z.optional(prefixOf(4, '10.5.0.0/16')),
  ipv6network: z.optional(prefixOf(6, 'fd00:5::/48')),
  subnetlen: z.optional(whole),
  ipv6subnetlen: z.optional(whole),
  subnetmin: z.optional(ipOf(4)),
  subnetmax: z.optional(ipOf(4)),
  ipv6subnetmin: z.optional(ipOf(6)),
  ipv6subnetmax: z.optional(ipOf(6)),
  enableipv4: z.optional(flag),
  enableipv6: z.optional(flag),
  enablenftables: z.optional(flag),
  backend: z.optional(z.looseObject({ type: z.optional(z.string('is not a string')) }, 'is not an object')),
});
type Document = z.infer<typeof document>;

const names: Readonly<Record<string, string>> = {
  network: 'Network',
  ipv6network: 'IPv6Network',
  subnetlen: 'SubnetLen',
  ipv6subnetlen: 'IPv6SubnetLen',
  subnetmin: 'SubnetMin',
  subnetmax: 'SubnetMax',
  ipv6subnetmin: 'IPv6SubnetMin',
  ipv6subnetmax: 'IPv6SubnetMax',
  enableipv4: 'EnableIPv4',
  enableipv6: 'EnableIPv6',
  enablenftables: 'EnableNFTables',
  backend: 'Backend',
  type: 'Type',
};

/** What upstream allows in each family. */
const rules = {
  4: { keys: '', longest: 30, standard: 24, smallest: 28, example: 'the IPv4 prefix of the whole cluster' },
  6: {
    keys: 'IPv6',
    longest: 126,
    standard: 64,
    smallest: 124,
    example: 'the IPv6 prefix of the whole cluster',
  },
} as const;

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
  return check(read.data);
}

function check(read: Document): ConfigResult {
  const enabled = families.filter(family => (family === 4 ? (read.enableipv4 ?? true) : read.enableipv6));
  if (enabled.length === 0)
    return {
      problems: [{ key: 'EnableIPv4', value: 'false', problem: 'and no IPv6 either; enable one of them' }],
    };
  const results = enabled.map(family => ({ family, result: rangeOf(family, read) }));
  const problems = results.flatMap(({ result }) => ('problem' in result ? [result] : []));
  if (problems.length > 0) return { problems };
  return {
    config: {
      ranges: Object.fromEntries(results.map(({ family, result }) => [family, result])),
      nftables: read.enablenftables ?? false,
      backendType: read.backend === undefined ? 'udp' : (read.backend.type ?? '').toLowerCase(),
      backend: (read.backend ?? {}) as GoJson,
    },
  };
}

function rangeOf(family: Family, read: Document): Range | ConfigProblem {
  const { keys, longest, standard, smallest, example } = rules[family];
  const given = family === 4 ? read.network : read.ipv6network;
  const network = parseCidr(given ?? '');
  const fail = (key: string, value: string, problem: string) => ({ key: `${keys}${key}`, value, problem });
  // A prefix of length 0 is how upstream spells "none".
  if (!network || network.length === 0) return fail('Network', given ?? '', `is missing; give ${example}`);

  const length = (family === 4 ? read.subnetlen : read.ipv6subnetlen) ?? 0;
  if (length === 0 && network.length > smallest)
    return fail('Network', formatCidr(network), `is too small; it must be /${smallest} or larger`);
  if (length > longest) return fail('SubnetLen', String(length), `must be at most ${longest}`);
  if (length > 0 && length < network.length + 2)
    return fail(
      'SubnetLen',
      String(length),
      `must be at least ${network.length + 2} inside ${formatCidr(network)}`,
    );
  const subnetLength = length || (network.length <= standard - 2 ? standard : network.length + 2);

  const lowest = cidr({ family, value: network.base }, subnetLength);
  const highest = cidr({ family, value: last(network) }, subnetLength);
  const [min, max] =
    family === 4 ? [read.subnetmin, read.subnetmax] : [read.ipv6subnetmin, read.ipv6subnetmax];
  const first = boundOf(min) ?? { family, value: step(lowest, 1).base };
  const end = boundOf(max) ?? { family, value: highest.base };
  for (const [key, ip] of [
    ['SubnetMin', first],
    ['SubnetMax', end],
  ] as const) {
    if (!contains(network, ip))
      return fail(key, formatIp(ip), `is outside of Network ${formatCidr(network)}`);
    if (cidr(ip, subnetLength).base !== ip.value)
      return fail(key, formatIp(ip), `is not the first address of a /${subnetLength}`);
  }
  if (first.value > end.value)
    return fail('SubnetMin', formatIp(first), `is above SubnetMax ${formatIp(end)}`);
  return { network, first: cidr(first, subnetLength), last: cidr(end, subnetLength) };
}

/** The families that are enabled, IPv4 first. */
export function familiesOf({ ranges }: NetworkConfig): readonly Family[] {
  return families.filter(family => ranges[family]);
}

/** The network of each family that is enabled. */
export function networksOf({ ranges }: NetworkConfig): ByFamily<Cidr> {
  return byFamily(families, family => ranges[family]?.network);
}

/** Whether a lease on `subnet` may be kept under this configuration. */
export function fits({ first, last: end }: Range, subnet: Cidr): boolean {
  return subnet.length === first.length && subnet.base >= first.base && subnet.base <= end.base;
}

/** Whether a lease on these subnets may be kept as it is: one that fits of each enabled family, and no other. */
export function fitsWhole({ ranges }: NetworkConfig, subnets: Subnets): boolean {
  return families.every(family => {
    const [range, subnet] = [ranges[family], subnets[family]];
    return range && subnet ? fits(range, subnet) : range === subnet;
  });
}

/** How many subnets the range has. */
export function capacity({ first, last: end }: Range): bigint {
  return (end.base - first.base) / size(first) + 1n;
}

/** An absent bound and 0.0.0.0 both mean the default. */
function boundOf(text: string | undefined): Ip | undefined {
  const ip = parseIp(text ?? '');
  return ip?.value === 0n ? undefined : ip;
}

/** For counts, flags and objects `null` means absent; for IPv4 addresses Go refuses it. */
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

// What is known of a cluster at one moment, as the judges see it, and how samples become that.
import { type Cidr, type Family, families, parseCidr } from '../../lib/ip.ts';
import { type Route, rowsIfWhole } from '../ask.ts';
import type { KernelFacts } from '../checks/overlay-facts.ts';
import type { NetworkConfig } from '../cluster-spec.ts';
import type { StoredLease } from '../stored-lease.ts';
import type { KernelTexts, Sample } from './samples.ts';

export interface World {
  readonly config: NetworkConfig;
  /** Undefined until etcd has been read for the first time. */
  readonly leases: readonly StoredLease[] | undefined;
  /** Seconds each lease has left, by key; only of those that expire. */
  readonly left: ReadonlyMap<string, number>;
  readonly nodes: readonly NodeView[];
}

/** A node as it was seen last. */
export interface NodeView {
  readonly name: string;
  /** On the underlay. */
  readonly address: string;
  /** A flag says that its public IP is another one. */
  readonly publicIpIsTold: boolean;
  /** Seconds before the end of its lease at which the daemon renews it. */
  readonly renewMargin: number;
  /** Undefined while its daemon does not run. */
  readonly pid?: number;
  /** The text of subnet.env, if there is one. */
  readonly file?: string | undefined;
  readonly kernel?: KernelFacts;
  /** What `iptables-save`, `ip6tables-save` and `nft list table` print, with `---` in between. */
  readonly rules?: string;
}

/** How an unwatched node looks; `flags` are its daemon's. */
export function newView(name: string, address: string, flags: readonly string[]): NodeView {
  const margin = flagValue(flags, 'subnet-lease-renew-margin') ?? '60';
  return {
    name,
    address,
    publicIpIsTold: flags.some(flag => /^--?public-ip/.test(flag)),
    renewMargin: /^\d+$/.test(margin) ? Number(margin) * 60 : seconds(margin),
  };
}

/** The view with what the sample says; the same object when that is nothing of a node's state. */
export function withSample(view: NodeView, sample: Sample): NodeView {
  if ('file' in sample) return { ...view, file: sample.file ?? undefined };
  if ('rules' in sample) return { ...view, rules: sample.rules };
  if ('kernel' in sample) return { ...view, kernel: parseKernel(sample.kernel) };
  if (!('pid' in sample)) return view;
  const { pid: _, ...rest } = view;
  return sample.pid === null ? rest : { ...rest, pid: sample.pid };
}

function parseKernel({ routes, routes6, neighbours, links, fdb, wgKeys, wgPeers }: KernelTexts): KernelFacts {
  const lines = (text: string) => text.split('\n').filter(Boolean);
  return {
    routes: [...rowsIfWhole<Route>(routes), ...rowsIfWhole<Route>(routes6)],
    neighbours: rowsIfWhole(neighbours),
    links: rowsIfWhole(links),
    fdb: rowsIfWhole(fdb),
    wgKeys: lines(wgKeys),
    wgPeers: lines(wgPeers),
  };
}

/** What subnet.env says of one family. */
export interface FilePart {
  readonly family: Family;
  readonly network: Cidr;
  readonly subnet: Cidr;
}

/** What a whole subnet.env says, by family; of one that is not, what is wrong. */
export function readSubnetFile(text: string): readonly FilePart[] | string {
  const values = new Map(text.split('\n').map(line => line.split('=', 2) as [string, string]));
  const known = (name: string) => parseCidr(values.get(name) ?? '');
  if (!text.endsWith('\n')) return 'does not end with a line end';
  const parts = families.flatMap((family): readonly FilePart[] => {
    const prefix = family === 4 ? 'FLANNEL' : 'FLANNEL_IPV6';
    const [network, subnet] = [known(`${prefix}_NETWORK`), known(`${prefix}_SUBNET`)];
    return network && subnet ? [{ family, network, subnet }] : [];
  });
  if (parts.length === 0) return 'has no network with a subnet';
  if (!/^\d+$/.test(values.get('FLANNEL_MTU') ?? '')) return 'has no MTU';
  if (!/^(true|false)$/.test(values.get('FLANNEL_IPMASQ') ?? '')) return 'does not say whether to masquerade';
  return parts;
}

function flagValue(flags: readonly string[], name: string): string | undefined {
  const found = flags.findLast(flag => flag.replace(/^--?/, '').startsWith(`${name}=`));
  return found?.slice(found.indexOf('=') + 1);
}

/** From `90s`, `1h30m`; times in Go's notation. */
function seconds(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };
  return [...text.matchAll(/([\d.]+)(ms|h|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0),
    0,
  );
}

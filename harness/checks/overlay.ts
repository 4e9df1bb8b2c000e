// A node's routes, neighbours and forwarding entries must be those of its peers' leases, and its record its device's.
import { families as allFamilies, type Family, formatCidr, parseCidr } from '../../lib/ip.ts';
import { ask, type Route, rows } from '../ask.ts';
import type { NetworkConfig } from '../cluster-spec.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import type { Store } from '../store.ts';
import { partOf, type StoredLease } from '../stored-lease.ts';
import { judges } from './overlay-backends.ts';
import type { KernelFacts, Overlay, OverlayText, Peer, View } from './overlay-facts.ts';

/** One sentence for each difference on each node. Backends that are not known are refused. */
export async function overlayProblems(
  nodes: readonly NodeHandle[],
  store: Store,
): Promise<readonly string[]> {
  const [leases, config] = await Promise.all([store.leases(), store.config()]);
  const problems = nodes.map(async node => {
    const facts = await kernelFacts(node);
    // A node without IPv4 is known by another address than the lab knows it by.
    const addresses = facts.links.flatMap(({ addr_info = [] }) =>
      addr_info.flatMap(({ local }) => local ?? []),
    );
    const known = [node.address, ...addresses].find(address => leases.some(isOf(address)));
    const { wanted, present } = compare(known ?? node.address, leases, config, facts);
    return differences(node.name, wanted, present);
  });
  return (await Promise.all(problems)).flat();
}

async function kernelFacts(node: NodeHandle): Promise<KernelFacts> {
  const [routes, routes6, neighbours, fdb, links, keys, peers] = await ask(node, [
    'ip -j -4 route',
    'ip -j -6 route',
    'ip -j neigh show nud permanent',
    'bridge -j fdb',
    'ip -j address',
    'wg show all public-key',
    'wg show all allowed-ips',
  ]);
  const lines = (text = '') => text.split('\n').filter(Boolean);
  return {
    routes: [...rows<Route>(routes), ...rows<Route>(routes6)],
    neighbours: rows(neighbours),
    fdb: rows(fdb),
    links: rows(links),
    wgKeys: lines(keys),
    wgPeers: lines(peers),
  };
}

const isOf =
  (address: string) =>
  ({ publicIp, six }: StoredLease): boolean =>
    publicIp === address || six?.publicIp === address;

/** Pure. `address`: the node's own, by which it knows its own lease. */
export function compare(
  address: string,
  leases: readonly StoredLease[],
  config: NetworkConfig,
  facts: KernelFacts,
): Overlay {
  const { Type: type } = config.Backend;
  const judge = judges[type];
  if (!judge) throw new Error(`what a node with the backend ${type} should have is not known here`);
  const own = leases.find(isOf(address));
  const sameType = leases.filter(({ backendType }) => backendType === type);
  const views = familiesOf(own, config).map((family): View => {
    const mine = own && partOf(own, family);
    const peers = sameType.flatMap((lease): readonly Peer[] => {
      const part = partOf(lease, family);
      const { publicIp } = part ?? {};
      return lease === own ||
        !part ||
        publicIp === undefined ||
        publicIp === mine?.publicIp ||
        publicIp === address
        ? []
        : [{ ...part, publicIp }];
    });
    return { family, own: mine, peers, network: networkOf(config, family) };
  });
  return judge(views, config, facts);
}

/** Those that the node has; where it has no lease, those that it is to have. */
function familiesOf(
  own: StoredLease | undefined,
  { EnableIPv4, EnableIPv6 }: NetworkConfig,
): readonly Family[] {
  if (own) return allFamilies.filter(family => partOf(own, family));
  return allFamilies.filter(family => (family === 4 ? EnableIPv4 !== false : EnableIPv6 === true));
}

/** As the kernel writes it. */
function networkOf({ Network, IPv6Network }: NetworkConfig, family: Family): string {
  const text = family === 4 ? Network : String(IPv6Network);
  const prefix = parseCidr(text);
  return prefix ? formatCidr(prefix) : text;
}

/** One sentence for each line that is missing or too many. Pure. */
export function differences(node: string, wanted: OverlayText, present: OverlayText): readonly string[] {
  const counted = (lines: OverlayText) => Map.groupBy(lines, line => line);
  const [want, have] = [counted(wanted), counted(present)];
  const short = [...want.keys()].filter(line => !have.has(line)).map(line => `${node} lacks ${line}`);
  const extra = [...have].flatMap(([line, copies]) => {
    const surplus = copies.length - (want.get(line)?.length ?? 0);
    return surplus > 0 ? [`${node} has one too many: ${line}`] : [];
  });
  return [...short, ...extra];
}

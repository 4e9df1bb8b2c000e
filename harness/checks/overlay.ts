// A node's routes, neighbours and forwarding entries must be those of its peers' leases, and its record its device's.
import { BlockList } from 'node:net';
import { ask, type FdbEntry, type Link, type Neighbour, type Route, rows } from '../ask.ts';
import type { NetworkConfig } from '../cluster-spec.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import type { Store } from '../store.ts';
import { leaseText, type StoredLease } from '../stored-lease.ts';

/** The overlay as one node has it or should have it: sorted lines, close to what iproute2 prints. */
export type OverlayText = readonly string[];

/** As `ip -j` and `bridge -j` print them; only what is looked at. */
export interface KernelFacts {
  readonly routes: readonly Route[];
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  readonly links: readonly Pick<Link, 'ifname' | 'address'>[];
  /** Of wireguard devices: lines `device key` and `device key prefixes`, as `wg show all` prints them. */
  readonly wgKeys: readonly string[];
  readonly wgPeers: readonly string[];
}

/** One sentence for each difference on each node. Backends that make no overlay are refused. */
export async function overlayProblems(
  nodes: readonly NodeHandle[],
  store: Store,
): Promise<readonly string[]> {
  const [leases, config] = await Promise.all([store.leases(), store.config()]);
  const problems = nodes.map(async node => {
    const facts = await kernelFacts(node);
    const { wanted, present } = compare(node.address, leases, config, facts);
    return differences(node.name, wanted, present);
  });
  return (await Promise.all(problems)).flat();
}

async function kernelFacts(node: NodeHandle): Promise<KernelFacts> {
  const [routes, neighbours, fdb, links, keys, peers] = await ask(node, [
    'ip -j -4 route',
    'ip -j -4 neigh show nud permanent',
    'bridge -j fdb',
    'ip -j link',
    'wg show all public-key',
    'wg show all allowed-ips',
  ]);
  const lines = (text = '') => text.split('\n').filter(Boolean);
  return {
    routes: rows(routes),
    neighbours: rows(neighbours),
    fdb: rows(fdb),
    links: rows(links),
    wgKeys: lines(keys),
    wgPeers: lines(peers),
  };
}

/** Pure. `address`: the node's own, by which it knows its own lease. */
export function compare(
  address: string,
  leases: readonly StoredLease[],
  config: NetworkConfig,
  facts: KernelFacts,
): { readonly wanted: OverlayText; readonly present: OverlayText } {
  const { Type: type } = config.Backend;
  const peers = leases.filter(
    lease => lease.subnet && lease.publicIp !== undefined && lease.publicIp !== address,
  );
  const own = leases.find(lease => lease.publicIp === address);
  const sameType = peers.filter(lease => lease.backendType === type);
  if (type === 'vxlan') return vxlan(own, sameType, config, facts);
  if (type === 'host-gw') return hostGw(sameType, config, facts);
  if (type === 'udp') return udp(config, facts);
  if (type === 'wireguard') return wireguard(own, sameType, config, facts);
  throw new Error(`what a node with the backend ${type} should have is not known here`);
}

function vxlan(
  own: StoredLease | undefined,
  peers: readonly StoredLease[],
  config: NetworkConfig,
  { routes, neighbours, fdb, links }: KernelFacts,
) {
  const device = `flannel.${config.Backend.VNI ?? 1}`;
  const base = (peer: StoredLease) => leaseText(peer).split('/')[0];
  const usable = peers.filter(peer => peer.vtepMac);
  const mac = links.find(link => link.ifname === device)?.address;
  return {
    wanted: [
      `record with VtepMAC ${own?.vtepMac?.toLowerCase()}`,
      ...usable.map(peer => `route ${leaseText(peer)} via ${base(peer)} dev ${device} onlink`),
      ...usable.map(peer => `neighbour ${base(peer)} lladdr ${peer.vtepMac?.toLowerCase()}`),
      ...usable.map(peer => `fdb ${peer.vtepMac?.toLowerCase()} dst ${peer.publicIp}`),
    ],
    present: [
      `record with VtepMAC ${mac}`,
      ...routes
        .filter(route => route.dev === device && route.protocol !== 'kernel')
        .map(({ dst, gateway, flags }) => `route ${dst} via ${gateway} dev ${device} ${flags?.join(' ')}`),
      ...neighbours.filter(({ dev }) => dev === device).map(({ dst, lladdr }) => neighbourText(dst, lladdr)),
      ...fdb
        .filter(({ ifname, dst }) => ifname === device && dst !== undefined)
        .map(entry => `fdb ${entry.mac} dst ${entry.dst}`),
    ],
  };
}

function neighbourText(dst: string, lladdr: string | undefined): string {
  return `neighbour ${dst} lladdr ${lladdr}`;
}

/** Which peers there are, only the daemon's data plane knows. */
function udp({ Network }: NetworkConfig, { routes }: KernelFacts) {
  return {
    wanted: [`route ${Network} dev flannel0`],
    present: routes
      .filter(({ dev, protocol }) => dev?.startsWith('flannel') && protocol !== 'kernel')
      .map(({ dst, dev }) => `route ${dst} dev ${dev}`),
  };
}

const wireguardDevice = 'flannel-wg';

/** Of IPv4. */
function wireguard(
  own: StoredLease | undefined,
  peers: readonly StoredLease[],
  { Network }: NetworkConfig,
  { routes, wgKeys, wgPeers }: KernelFacts,
) {
  const ours = (lines: readonly string[]) =>
    lines.map(line => line.split(/\s+/)).filter(([dev]) => dev === wireguardDevice);
  return {
    wanted: [
      `record with PublicKey ${own?.publicKey}`,
      `route ${Network} dev ${wireguardDevice}`,
      ...peers.map(peer => `peer ${peer.publicKey} for ${leaseText(peer)}`),
    ],
    present: [
      ...ours(wgKeys).map(([, key]) => `record with PublicKey ${key}`),
      ...routes
        .filter(({ dev, protocol }) => dev === wireguardDevice && protocol !== 'kernel')
        .map(({ dst, dev }) => `route ${dst} dev ${dev}`),
      ...ours(wgPeers).map(([, key, ...prefixes]) => {
        const own4 = prefixes.filter(prefix => prefix.includes('.'));
        return `peer ${key} for ${own4.join()}`;
      }),
    ],
  };
}

/** Routes with another protocol than `boot` are somebody else's. */
function hostGw(peers: readonly StoredLease[], config: NetworkConfig, { routes }: KernelFacts) {
  const network = new BlockList();
  const [base = '', length] = config.Network.split('/');
  network.addSubnet(base, Number(length));
  return {
    wanted: peers.map(peer => `route ${leaseText(peer)} via ${peer.publicIp}`),
    present: routes
      .filter(({ dst, protocol = 'boot' }) => protocol === 'boot' && network.check(dst.split('/')[0] ?? ''))
      .map(({ dst, gateway, dev }) => `route ${dst} via ${gateway ?? dev}`),
  };
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

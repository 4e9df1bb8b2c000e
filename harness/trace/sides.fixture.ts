// Two nodes as each backend should have them, for tests that change something.
import { parseCidr } from '../../lib/ip.ts';
import type { Link, Route } from '../ask.ts';
import type { NodeFacts } from './facts.ts';
import { parseLegacy } from './legacy.ts';
import { type Path, pathBetween, type Side } from './path.ts';

export type Change = Partial<NodeFacts>;

export const mac = (node: number) => `02:00:00:00:00:0${node}`;

function device(ifname: string, address: string, more: Partial<Link> = {}): Link {
  const [local = '', length] = address.split('/');
  const addr_info = [{ family: 'inet', local, prefixlen: Number(length) }];
  return { ifname, mtu: 1420, flags: ['UP'], addr_info, ...more };
}

/** What the backend puts between docker0 and the uplink; `local` is the near end of a tunnel. */
function tunnelOf(backend: string, node: number, local: string): readonly Link[] {
  const address = `10.5.${node}.0/32`;
  const linkinfo = (info_kind: string, info_data: Readonly<Record<string, unknown>>) => ({
    linkinfo: { info_kind, info_data },
  });
  if (backend === 'vxlan')
    return [
      device('flannel.1', address, { address: mac(node), ...linkinfo('vxlan', { id: 1, port: 8472 }) }),
    ];
  if (backend === 'ipip')
    return [device('flannel.ipip', address, linkinfo('ipip', { local, remote: 'any' }))];
  if (backend === 'udp') return [device('flannel0', address)];
  return backend === 'wireguard' ? [device('flannel-wg', address)] : [];
}

function routeOf(backend: string, peer: number): Route {
  const [dst, publicIp] = [`10.5.${peer}.0/24`, `192.168.77.1${peer}`];
  if (backend === 'vxlan') return { dst, gateway: `10.5.${peer}.0`, dev: 'flannel.1' };
  if (backend === 'ipip') return { dst, gateway: publicIp, dev: 'flannel.ipip' };
  if (backend === 'udp') return { dst: '10.5.0.0/16', dev: 'flannel0' };
  if (backend === 'wireguard') return { dst: '10.5.0.0/16', dev: 'flannel-wg' };
  return { dst, gateway: publicIp, dev: 'eth0' };
}

export function facts(
  node: number,
  peer: number,
  backend = 'vxlan',
  local = `192.168.77.1${node}`,
): NodeFacts {
  const vxlan = backend === 'vxlan';
  return {
    name: `node${node}`,
    links: [
      device('eth0', `192.168.77.1${node}/24`, { mtu: 1500 }),
      ...tunnelOf(backend, node, local),
      device('docker0', `10.5.${node}.1/24`),
    ],
    routes: [
      { dst: 'default', gateway: '192.168.77.1', dev: 'eth0' },
      { dst: `10.5.${node}.0/24`, dev: 'docker0' },
      routeOf(backend, peer),
    ],
    neighbours: vxlan ? [{ dst: `10.5.${peer}.0`, dev: 'flannel.1', lladdr: mac(peer) }] : [],
    fdb: vxlan ? [{ mac: mac(peer), ifname: 'flannel.1', dst: `192.168.77.1${peer}` }] : [],
    forwardChains: [{ name: 'ip filter FORWARD', policy: 'accept' }],
    legacy: parseLegacy(),
    sysctls: new Map([['ip_forward', 1]]),
    subnetEnv: undefined,
    wireguard: [],
    udpPorts: new Map(backend === 'udp' ? [[8285, 'running']] : []),
  };
}

export function side(node: number, peer: number, backend: string, change: Change = {}): Side {
  const publicIp = `192.168.77.1${node}`;
  const container = `node${node}/a`;
  return {
    node: `node${node}`,
    container,
    address: `10.5.${node}.2`,
    publicIp,
    facts: { ...facts(node, peer, backend), ...change },
    inside: {
      name: container,
      links: [device('eth0', `10.5.${node}.2/24`)],
      routes: [{ dst: 'default', gateway: `10.5.${node}.1`, dev: 'eth0' }],
    },
    lease: {
      key: `10.5.${node}.0-24`,
      subnet: parseCidr(`10.5.${node}.0/24`),
      publicIp,
      backendType: backend,
      vtepMac: backend === 'vxlan' ? mac(node) : undefined,
      publicKey: backend === 'wireguard' ? `key${node}` : undefined,
      value: '',
    },
  };
}

type Backend = Readonly<Record<string, unknown>> & { readonly Type: string };

/** From a container of node1 to one of node2; routes that are given come beside the node's own network. */
export function aPath(backend: Backend, one: Change = {}, two: Change = {}): Path {
  const own = ({ routes, ...change }: Change, node: number): Change => ({
    ...change,
    ...(routes ? { routes: [...routes, { dst: `10.5.${node}.0/24`, dev: 'docker0' }] } : {}),
  });
  const [near, far] = [side(1, 2, backend.Type, own(one, 1)), side(2, 1, backend.Type, own(two, 2))];
  return pathBetween(near, far, { Network: '10.5.0.0/16', Backend: backend });
}

// Others on this host who may take flannel's devices, programs or addresses: NetworkManager, SELinux, docker's pools.

import { type Cidr, overlaps, parseCidr } from '../../../lib/ip.ts';
import { asRootHost, blocks, type Check, configOf, membership, ok, unknown, warning } from '../check.ts';
import { type Facts, textOf, unreadable } from '../facts.ts';

export const selinux: Check = {
  name: 'selinux',
  purposes: ['host'],
  why: 'enforcing, it keeps systemd from starting programs that were unpacked with the label of a home folder',
  judge: facts => {
    const problem = unreadable(facts, 'selinux');
    if (problem) return unknown(problem, 'getenforce');
    const value = textOf(facts, 'selinux');
    if (value === undefined) return ok('not in this kernel, or off');
    if (value === '0') return ok('permissive');
    return warning('enforcing', 'restorecon -RFv /usr/local /opt');
  },
};

const managed = ['flannel.1', 'flannel0', 'docker0'];

export const networkManager: Check = {
  name: 'NetworkManager',
  purposes: ['host'],
  why: 'it takes addresses and routes off devices that it thinks are its own',
  judge: facts => {
    const state = textOf(facts, 'networkManager');
    const running = unreadable(facts, 'networkManager');
    if (running && !/not running/i.test(running)) return unknown(running, 'systemctl status NetworkManager');
    if (state !== 'running') return ok('not running');
    const problem = unreadable(facts, 'networkManagerConfig');
    const config = textOf(facts, 'networkManagerConfig');
    if (problem || config === undefined)
      return unknown(
        problem ?? 'NetworkManager is running, and its configuration unknown',
        'NetworkManager --print-config',
      );
    const taken = managed.filter(device => !isUnmanaged(config, device));
    if (taken.length === 0) return ok(`leaves ${managed.join(', ')} alone`);
    const line = 'unmanaged-devices+=interface-name:flannel*;interface-name:docker0';
    const file = '/etc/NetworkManager/conf.d/90-flannel.conf';
    return warning(
      `manages ${taken.join(', ')}`,
      `printf '[keyfile]\\n${line}\\n' | tee ${file} && systemctl reload NetworkManager`,
    );
  },
};

/** By `unmanaged-devices`, or a `[device]` section with `managed=0`. */
function isUnmanaged(config: string, device: string): boolean {
  const lines = config.split('\n').map(line => line.trim());
  const specs = lines.flatMap(line => /^unmanaged-devices\s*\+?=\s*(.*)$/.exec(line)?.[1] ?? []);
  const sections = config
    .split(/^\[/m)
    .filter(section => /^device/.test(section) && /^managed\s*=\s*(0|false|no)\s*$/m.test(section))
    .flatMap(section => /^match-device\s*=\s*(.*)$/m.exec(section)?.[1] ?? []);
  const words = [...specs, ...sections].flatMap(spec => spec.split(/[;,]/)).map(word => word.trim());
  const isMeant = (word: string) => {
    const glob = word === '*' ? '*' : /^interface-name:=?(.*)$/.exec(word)?.[1];
    return glob !== undefined && globPattern(glob).test(device);
  };
  return (
    words.some(isMeant) &&
    !words.some(word => word.startsWith('except:') && isMeant(word.slice('except:'.length)))
  );
}

function globPattern(glob: string): RegExp {
  const escaped = glob.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

/** What docker makes networks from unless told otherwise, apart from docker0's own. */
const defaultPools = [...Array.from({ length: 14 }, (_, at) => `172.${18 + at}.0.0/16`), '192.168.0.0/16'];
const freePools = ['10.201.0.0/16', '172.30.0.0/16', '192.168.128.0/17'];

export const addressPools: Check = {
  name: 'address pools',
  purposes: ['host'],
  why: 'a docker network, or a route of this host, inside of the flannel network hides the subnets of other nodes',
  judge: facts => {
    const { network, networkText } = membership(facts);
    const problem = unreadable(facts, 'dockerConfig', 'routes');
    if (problem) return unknown(problem, asRootHost);
    if (!network)
      return unknown(
        'the flannel network is not known',
        'npm run lab -- doctor --host --etcd-endpoints http://127.0.0.1:2379',
      );
    const route = foreignRoute(facts, network);
    if (route)
      return blocks(
        `${networkText} overlaps the route to ${route.dst} on ${route.dev}`,
        routeFix(facts, route),
      );
    let pools: readonly string[];
    try {
      pools = poolsOf(textOf(facts, 'dockerConfig')) ?? defaultPools;
    } catch {
      return unknown('/etc/docker/daemon.json is not JSON', 'dockerd --validate');
    }
    const taken = pools.filter(pool => overlapsText(pool, network));
    if (taken.length === 0) return ok(`none of docker's overlaps ${networkText}`);
    return warning(
      `docker makes networks in ${taken.join(', ')}, and ${networkText} is flannel's`,
      poolFix(facts, network),
    );
  },
};

/** Undefined where docker has its default. Throws when it is not JSON. */
function poolsOf(config: string | undefined): readonly string[] | undefined {
  const value = config ? (JSON.parse(config) as { 'default-address-pools'?: unknown }) : {};
  const pools = value['default-address-pools'];
  if (!Array.isArray(pools)) return undefined;
  return pools.flatMap(pool => (typeof pool?.base === 'string' ? [pool.base] : []));
}

function poolFix(facts: Facts, network: Cidr): string {
  const free = freePools.find(pool => !overlapsText(pool, network)) ?? freePools[0];
  const setting = `{"default-address-pools":[{"base":"${free}","size":24}]}`;
  const path = '/etc/docker/daemon.json';
  return facts.answers.dockerConfig.state === 'absent'
    ? `echo '${setting}' | tee ${path} && systemctl restart docker`
    : `jq '. + ${setting}' ${path} >${path}.new && mv ${path}.new ${path} && systemctl restart docker`;
}

/** A network of docker's goes; nobody else's route is taken away: the flannel network has to be another one. */
function routeFix(facts: Facts, { dev }: Route): string {
  const id = /^br-([\da-f]{12})$/.exec(dev)?.[1];
  if (id) return `docker network rm ${id}`;
  const routes = parsedRoutes(textOf(facts, 'routes'));
  const isFree = (pool: string) => {
    const prefix = parseCidr(pool);
    return prefix && !routes.some(({ dst }) => dst !== 'default' && overlapsText(dst, prefix));
  };
  const config = { ...configOf(facts), Network: freePools.find(isFree) ?? freePools[0] };
  return `etcdctl put /coreos.com/network/config '${JSON.stringify(config)}'   # before any node has a subnet`;
}

interface Route {
  readonly dst: string;
  readonly dev: string;
}

/** One that is neither flannel's nor docker0's; the routes of host-gw have a gateway. */
function foreignRoute(facts: Facts, network: Cidr): Route | undefined {
  const routes = parsedRoutes(textOf(facts, 'routes'));
  return routes.find(
    ({ dst, dev, gateway }) =>
      !gateway && dst !== 'default' && !/^(flannel|docker0|cni0)/.test(dev) && overlapsText(dst, network),
  );
}

function parsedRoutes(text: string | undefined): readonly (Route & { readonly gateway?: string })[] {
  try {
    const routes: unknown = JSON.parse(text || '[]');
    return Array.isArray(routes)
      ? routes.filter(({ dst, dev }) => typeof dst === 'string' && typeof dev === 'string')
      : [];
  } catch {
    return [];
  }
}

function overlapsText(prefix: string, network: Cidr): boolean {
  const parsed = parseCidr(prefix.includes('/') ? prefix : `${prefix}/32`);
  return parsed !== undefined && overlaps(parsed, network);
}

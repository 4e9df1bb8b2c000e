// Pure judges: what is not as the invariants have it, in a cluster as it was seen at one moment.
import { type Cidr, families, formatCidr, hostIn, overlaps, sameCidr } from '../../lib/ip.ts';
import { compare, differences } from '../checks/overlay.ts';
import { leaseText, partOf, type StoredLease, subnetsOf } from '../stored-lease.ts';
import type { Problem } from './invariants.ts';
import { orderProblems } from './rule-order.ts';
import { ruleProblems } from './rules.ts';
import { type FilePart, type NodeView, readSubnetFile, type World } from './world.ts';

/** Everything that is wrong at this moment, however short it may last. */
export function judge(world: World): readonly Problem[] {
  return [
    ...uniqueSubnets(world),
    ...world.nodes.filter(node => node.pid !== undefined).flatMap(node => judgeNode(node, world)),
  ];
}

/** Only where the daemon runs: nobody else keeps a node in order. */
function judgeNode(node: NodeView, world: World): readonly Problem[] {
  const { name, file, rules } = node;
  if (file === undefined) return [];
  const said = readSubnetFile(file);
  if (typeof said === 'string')
    return [
      { invariant: 'subnet-file-whole', node: name, what: `subnet.env ${said}: ${JSON.stringify(file)}` },
    ];
  if (!world.leases) return [];
  const twice =
    rules === undefined ? [] : said.flatMap(part => ruleProblems(rules, part.network, part.subnet));
  const late =
    rules === undefined ? [] : said.flatMap(part => orderProblems(rules, part.network, part.subnet));
  const own = world.leases.find(lease => said.some(part => isFor(lease, part.subnet)));
  return [
    ...[...new Set(twice)].map((what): Problem => ({ invariant: 'rules-once', node: name, what })),
    ...[...new Set(late)].map((what): Problem => ({ invariant: 'rules-in-order', node: name, what })),
    ...said.flatMap(part => oneSubnet(node, part, own)),
    ...(own ? [...record(node, own), ...overlay(node, own, said, world), ...renewal(node, own, world)] : []),
  ];
}

function isFor(lease: StoredLease, subnet: Cidr): boolean {
  return subnetsOf(lease).some(each => sameCidr(each, subnet));
}

function uniqueSubnets({ nodes, leases = [] }: World): readonly Problem[] {
  const used = nodes.flatMap(({ name, pid, file }) => {
    const said = pid === undefined || file === undefined ? '' : readSubnetFile(file);
    return typeof said === 'string' ? [] : said.map(({ subnet }) => ({ who: name, subnet }));
  });
  const leased = leases.flatMap(lease => {
    const publicIp = lease.subnet ? lease.publicIp : lease.six?.publicIp;
    return publicIp ? subnetsOf(lease).map(subnet => ({ who: `the lease of ${publicIp}`, subnet })) : [];
  });
  return [...overlapping(used, 'use'), ...overlapping(leased, 'are for')];
}

function overlapping(
  all: readonly { readonly who: string; readonly subnet: Cidr }[],
  verb: string,
): readonly Problem[] {
  return all.flatMap((a, index) =>
    all
      .slice(index + 1)
      .filter(b => a.who !== b.who && overlaps(a.subnet, b.subnet))
      .map(b => ({
        invariant: 'unique-subnets',
        what: `${a.who} and ${b.who} ${verb} the same addresses: ${formatCidr(a.subnet)} and ${formatCidr(b.subnet)}`,
      })),
  );
}

function oneSubnet(
  { name, kernel }: NodeView,
  { family, subnet }: FilePart,
  own: StoredLease | undefined,
): readonly Problem[] {
  const problem = (what: string): Problem => ({ invariant: 'one-subnet', node: name, what });
  const leased = own !== undefined && isFor(own, subnet);
  const unleased = leased ? [] : [problem(`${name} uses ${formatCidr(subnet)}, which nobody has leased`)];
  // docker has no IPv6 unless it is told to.
  const docker0 = family === 4 ? kernel?.links.find(({ ifname }) => ifname === 'docker0') : undefined;
  const addresses = docker0?.addr_info?.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  const wanted = hostIn(subnet, 1);
  if (!addresses || addresses.includes(wanted)) return unleased;
  return [...unleased, problem(`docker0 of ${name} has ${addresses.join(' and ')}, not ${wanted}`)];
}

/** The record against addresses; its MAC is compared together with the tables. */
function record(node: NodeView, own: StoredLease): readonly Problem[] {
  const { name, kernel, publicIpIsTold } = node;
  if (!kernel || publicIpIsTold) return [];
  const addresses = kernel.links.flatMap(({ addr_info = [] }) => addr_info.map(({ local }) => local));
  return families.flatMap((family): readonly Problem[] => {
    const publicIp = partOf(own, family)?.publicIp;
    if (publicIp === undefined || addresses.includes(publicIp)) return [];
    const what = `${name} uses ${leaseText(own)}, whose record has the public IP ${publicIp}, which ${name} has not`;
    return [{ invariant: 'record-tells-device', node: name, what }];
  });
}

const known = new Set(['vxlan', 'host-gw', 'ipip', 'udp', 'wireguard', 'alloc', 'extension']);
/** Leases with these do not tell their backend. */
const untold = new Set(['udp', 'alloc']);

/** What the node itself has published counts, not what a configuration says that may have changed since it started. */
function overlay(
  { name, kernel }: NodeView,
  own: StoredLease,
  said: readonly FilePart[],
  world: World,
): readonly Problem[] {
  const { Backend } = world.config;
  const Type = own.backendType || (untold.has(Backend.Type) ? Backend.Type : undefined);
  const publicIp = own.subnet ? own.publicIp : own.six?.publicIp;
  if (!kernel || !world.leases || !publicIp || !Type || !known.has(Type)) return [];
  const VNI = vniOf(own) ?? Backend.VNI;
  const networks = said.map(({ family, network }) => [
    family === 4 ? 'Network' : 'IPv6Network',
    formatCidr(network),
  ]);
  const config = { ...world.config, ...Object.fromEntries(networks), Backend: { ...Backend, Type, VNI } };
  const { wanted, present } = compare(publicIp, world.leases, config, kernel);
  const isRecord = (line: string) => line.startsWith('record ');
  const others = (line: string) => !isRecord(line);
  const problem = (invariant: Problem['invariant']) => (what: string) => ({ invariant, node: name, what });
  return [
    ...differences(name, wanted.filter(isRecord), present.filter(isRecord)).map(
      problem('record-tells-device'),
    ),
    ...differences(name, wanted.filter(others), present.filter(others)).map(
      problem('overlay-matches-leases'),
    ),
  ];
}

function vniOf({ value }: StoredLease): unknown {
  type Data = { readonly VNI?: unknown } | null;
  const record = JSON.parse(value) as { readonly BackendData?: Data; readonly BackendV6Data?: Data };
  return (record.BackendData ?? record.BackendV6Data)?.VNI;
}

/** Seconds: etcd counts whole ones, and on a busy machine a write may take three. */
const slack = 4;

function renewal({ name, renewMargin }: NodeView, own: StoredLease, { left }: World): readonly Problem[] {
  const seconds = left.get(own.key);
  if (seconds === undefined || seconds >= renewMargin - slack) return [];
  const what = `the lease ${leaseText(own)} of ${name} is not renewed ${renewMargin} s before its end`;
  return [{ invariant: 'leases-renewed', node: name, what }];
}

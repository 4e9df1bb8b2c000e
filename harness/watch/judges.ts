// Pure judges: what is not as the invariants have it, in a cluster as it was seen at one moment.
import { type Cidr, formatCidr, hostIn, overlaps, sameCidr } from '../../lib/ip.ts';
import { compare, differences } from '../checks/overlay.ts';
import { leaseText, type StoredLease } from '../stored-lease.ts';
import type { Problem } from './invariants.ts';
import { ruleProblems } from './rules.ts';
import { type NodeView, readSubnetFile, type World } from './world.ts';

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
  const { network, subnet } = said;
  // Of what is IPv6 alone, only the file is looked at.
  if (!network || !subnet || !world.leases) return [];
  const twice = rules === undefined ? [] : ruleProblems(rules, network, subnet);
  const own = world.leases.find(lease => lease.subnet && sameCidr(lease.subnet, subnet));
  return [
    ...twice.map((what): Problem => ({ invariant: 'rules-once', node: name, what })),
    ...oneSubnet(node, subnet, own),
    ...(own
      ? [...record(node, own), ...overlay(node, own, network, world), ...renewal(node, own, world)]
      : []),
  ];
}

function uniqueSubnets({ nodes, leases = [] }: World): readonly Problem[] {
  const used = nodes.flatMap(({ name, pid, file }) => {
    const said = pid === undefined || file === undefined ? '' : readSubnetFile(file);
    return typeof said === 'string' || !said.subnet ? [] : [{ who: name, subnet: said.subnet }];
  });
  const leased = leases.flatMap(({ subnet, publicIp }) =>
    subnet && publicIp ? [{ who: `the lease of ${publicIp}`, subnet }] : [],
  );
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
  subnet: Cidr,
  own: StoredLease | undefined,
): readonly Problem[] {
  const problem = (what: string): Problem => ({ invariant: 'one-subnet', node: name, what });
  const unleased = own ? [] : [problem(`${name} uses ${formatCidr(subnet)}, which nobody has leased`)];
  const docker0 = kernel?.links.find(({ ifname }) => ifname === 'docker0');
  const addresses = docker0?.addr_info?.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  const wanted = hostIn(subnet, 1);
  if (!addresses || addresses.includes(wanted)) return unleased;
  return [...unleased, problem(`docker0 of ${name} has ${addresses.join(' and ')}, not ${wanted}`)];
}

/** The record against addresses; its MAC is compared together with the tables. */
function record(node: NodeView, own: StoredLease): readonly Problem[] {
  const { name, kernel, publicIpIsTold } = node;
  if (!kernel || publicIpIsTold || own.publicIp === undefined) return [];
  const addresses = kernel.links.flatMap(({ addr_info = [] }) => addr_info.map(({ local }) => local));
  if (addresses.includes(own.publicIp)) return [];
  const what = `${name} uses ${leaseText(own)}, whose record has the public IP ${own.publicIp}, which ${name} has not`;
  return [{ invariant: 'record-tells-device', node: name, what }];
}

/** Backends whose tables follow from the leases alone. */
const known = new Set(['vxlan', 'host-gw', 'udp', 'wireguard']);

/** What the node itself has published counts, not what a configuration says that may have changed since it started. */
function overlay(
  { name, kernel }: NodeView,
  own: StoredLease,
  network: Cidr,
  world: World,
): readonly Problem[] {
  const { backendType: Type, publicIp } = own;
  const { DirectRouting } = world.config.Backend;
  if (!kernel || !world.leases || !publicIp || !Type || !known.has(Type) || DirectRouting) return [];
  const VNI = vniOf(own) ?? world.config.Backend.VNI;
  const config = {
    ...world.config,
    Network: formatCidr(network),
    Backend: { ...world.config.Backend, Type, VNI },
  };
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

function vniOf(own: StoredLease): unknown {
  return (JSON.parse(own.value) as { BackendData?: { VNI?: unknown } | null }).BackendData?.VNI;
}

/** Seconds: etcd counts whole ones, and on a busy machine a write may take three. */
const slack = 4;

function renewal({ name, renewMargin }: NodeView, own: StoredLease, { left }: World): readonly Problem[] {
  const seconds = left.get(own.key);
  if (seconds === undefined || seconds >= renewMargin - slack) return [];
  const what = `the lease ${leaseText(own)} of ${name} is not renewed ${renewMargin} s before its end`;
  return [{ invariant: 'leases-renewed', node: name, what }];
}

// Every node's lease, subnet.env and docker0 must be one and the same subnet, and nobody else's.
import { type Cidr, formatCidr, hostIn, overlaps, sameCidr } from '../../lib/ip.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { type Docker0, docker0, type SubnetEnv, subnetEnv } from '../node-state.ts';
import type { Store } from '../store.ts';
import type { StoredLease } from '../stored-lease.ts';

/** What one node and the store say of its subnet. */
export interface NodeFacts {
  readonly name: string;
  readonly address: string;
  readonly lease: StoredLease | undefined;
  readonly subnetEnv: SubnetEnv | undefined;
  readonly docker0: Docker0 | undefined;
  readonly hasDocker: boolean;
}

export async function collectFacts(
  nodes: readonly NodeHandle[],
  store: Store,
): Promise<readonly NodeFacts[]> {
  const leases = await store.leases();
  return Promise.all(
    nodes.map(async node => {
      const [env, bridge] = await Promise.all([subnetEnv(node), docker0(node)]);
      return {
        name: node.name,
        address: node.address,
        lease: leases.find(lease => lease.publicIp === node.address) ?? leases.find(isIpv6Of(env)),
        subnetEnv: env,
        docker0: bridge,
        hasDocker: node.plan.docker,
      };
    }),
  );
}

/** The lab knows no node by its IPv6 address: one without IPv4 is known by its subnet. */
const isIpv6Of =
  (env: SubnetEnv | undefined) =>
  ({ subnet, six }: StoredLease): boolean =>
    subnet === undefined && six !== undefined && env !== undefined && sameCidr(six.subnet, env.subnet);

/** One sentence for each thing that is wrong; empty when all is well. Pure. */
export function subnetProblems(facts: readonly NodeFacts[]): readonly string[] {
  return [...facts.flatMap(nodeProblems), ...overlapProblems(facts)];
}

function nodeProblems(facts: NodeFacts): readonly string[] {
  const { name, address, lease, subnetEnv, docker0, hasDocker } = facts;
  if (!subnetEnv) return [`${name} has no usable subnet.env`];
  const own = formatCidr(subnetEnv.subnet);
  const leased = lease?.subnet ?? lease?.six?.subnet;
  if (!leased) return [`${name} uses ${own}, but no lease in etcd has its public IP ${address}`];
  const problems: string[] = [];
  if (!sameCidr(leased, subnetEnv.subnet)) {
    problems.push(`${name} holds the lease ${formatCidr(leased)}, but its subnet.env says ${own}`);
  }
  if (!hasDocker) return problems;
  if (!docker0) return [...problems, `${name} has no docker0`];
  const wanted = hostIn(subnetEnv.subnet, 1);
  if (docker0.address !== wanted) problems.push(`docker0 of ${name} has ${docker0.address}, not ${wanted}`);
  if (docker0.mtu !== subnetEnv.mtu) {
    problems.push(`docker0 of ${name} has MTU ${docker0.mtu}, but subnet.env says ${subnetEnv.mtu}`);
  }
  return problems;
}

function overlapProblems(facts: readonly NodeFacts[]): readonly string[] {
  const subnets = facts.flatMap(({ name, subnetEnv }) =>
    subnetEnv ? [{ name, subnet: subnetEnv.subnet }] : [],
  );
  return subnets.flatMap((a, index) =>
    subnets
      .slice(index + 1)
      .filter(b => overlaps(a.subnet, b.subnet))
      .map(b => `${a.name} and ${b.name} share addresses: ${pair(a.subnet, b.subnet)}`),
  );
}

function pair(a: Cidr, b: Cidr): string {
  return sameCidr(a, b) ? `both have ${formatCidr(a)}` : `${formatCidr(a)} and ${formatCidr(b)}`;
}

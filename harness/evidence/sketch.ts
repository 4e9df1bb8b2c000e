// What a report shows of a cluster and a failure before anything has been collected.
import { describeError } from '../../lib/errors.ts';
import { formatCidr } from '../../lib/ip.ts';
import type { Cluster } from '../cluster.ts';
import { now } from '../journal.ts';
import { parseSubnetEnv } from '../node-state.ts';
import type { EvidenceData, NodeSketch } from '../report/data.ts';
import { leaseText, type StoredLease } from '../stored-lease.ts';
import { envMark, type NodeState } from './state.ts';

export interface About {
  /** Name of the test, or the command. */
  readonly title: string;
  /** The one command that shows it again. */
  readonly reproduce?: string;
}

export function sketch(cluster: Cluster, failure: unknown, { title, reproduce }: About): EvidenceData {
  const { spec, since, journal, memory, verdicts } = cluster;
  return {
    title,
    hasFailed: failure !== undefined,
    failure: failure === undefined ? 'nothing has failed' : describeError(failure),
    reproduce,
    later: undefined,
    since,
    at: now(),
    until: now(),
    cluster: {
      name: spec.name,
      driver: spec.driver,
      backend: spec.config.Backend.Type,
      daemon: spec.daemons.default,
      etcdMembers: spec.etcdMembers,
    },
    nodes: sketchNodes(cluster, [], []),
    sweeps: [...memory.sweeps],
    verdicts,
    happenings: [...journal.happenings],
    outages: [],
    lines: [],
    comparisons: [],
    files: [],
  };
}

/** Where etcd does not tell of a lease, the node's subnet.env does. */
export function sketchNodes(
  { nodes }: Cluster,
  leases: readonly StoredLease[],
  states: readonly NodeState[],
): readonly NodeSketch[] {
  return nodes.map(({ name, address, plan, workloads }) => {
    const lease = leases.find(({ publicIp }) => publicIp === address);
    return {
      name,
      address,
      daemon: plan.daemon.ref,
      lease: lease ? leaseText(lease) : subnetOf(states.find(({ node }) => node === name)),
      workloads: workloads.map(workload => ({ name: workload.name, address: workload.address })),
    };
  });
}

function subnetOf(state: NodeState | undefined): string | undefined {
  const lines = state?.lines.filter(line => line.startsWith(envMark)) ?? [];
  const env = parseSubnetEnv(lines.map(line => line.slice(envMark.length)).join('\n'));
  return env && formatCidr(env.subnet);
}

// The flags that say which cluster is meant, and the ones that say what a new one is like.
import { UsageError } from '../../lib/errors.ts';
import { Cluster } from '../cluster.ts';
import { type ClusterSpec, clusterSpec } from '../cluster-spec.ts';
import type { DriverName, Place } from '../drivers/driver.ts';
import { defaultDriver, driverNames } from '../drivers/index.ts';
import { type ClusterRecord, findRecord } from '../registry.ts';
import type { Flags, Parsed } from './args.ts';

export const nameFlag = {
  name: { type: 'string', value: 'NAME', help: 'which cluster; default lab' },
} as const satisfies Flags;

export const specFlags = {
  ...nameFlag,
  driver: {
    type: 'string',
    value: 'DRIVER',
    help: 'netns, docker or auto (docker when an engine answers); default auto',
  },
  nodes: { type: 'string', value: 'N', help: 'how many nodes; default 3' },
  backend: { type: 'string', value: 'TYPE', help: 'vxlan, host-gw, …; default vxlan' },
  mtu: { type: 'string', value: 'BYTES', help: 'MTU of the underlay; default 1500' },
  'etcd-members': { type: 'string', value: 'N', help: 'members of etcd: 1, 3 or 5; default 1' },
  daemon: {
    type: 'string',
    multiple: true,
    value: 'REF',
    help: 'ts (this tree), release[:<tar.gz>] or bin:<path>; node2=REF for one node; may be repeated; default ts',
  },
} as const satisfies Flags;

export async function specFromFlags(
  args: Parsed,
  { keep, name }: { keep: boolean; name: string },
): Promise<ClusterSpec> {
  const nodes = args.number('nodes');
  const mtu = args.number('mtu');
  const etcdMembers = args.number('etcd-members');
  return clusterSpec({
    name: args.text('name') ?? name,
    driver: await chosenDriver(args.text('driver') ?? 'auto'),
    backend: args.text('backend'),
    daemons: daemonsFrom(args.list('daemon')),
    keep,
    ...(nodes === undefined ? {} : { nodes }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(etcdMembers === undefined ? {} : { etcdMembers }),
  });
}

async function chosenDriver(name: string): Promise<DriverName> {
  if (name === 'auto') return defaultDriver();
  const found = driverNames.find(known => known === name);
  if (!found)
    throw new UsageError(`unknown driver ${JSON.stringify(name)}`, {
      hint: `--driver ${driverNames.join('|')}|auto`,
    });
  return found;
}

/** `bin:/x` is for all nodes, `node2=bin:/x` for one. */
function daemonsFrom(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map(word => {
      const [, node, ref] = /^([a-z0-9-]+)=(.+)$/.exec(word) ?? [undefined, 'default', word];
      return [node, ref];
    }),
  );
}

async function recordFromFlags(args: Parsed): Promise<ClusterRecord> {
  const name = args.text('name') ?? 'lab';
  const record = await findRecord(name);
  if (record?.site) return record;
  throw new UsageError(record ? `cluster ${name} is still being made` : `there is no cluster named ${name}`, {
    hint: record ? 'npm run lab -- ls' : `npm run lab -- up --name ${name}`,
  });
}

export async function clusterFromFlags(args: Parsed, signal: AbortSignal): Promise<Cluster> {
  return Cluster.attach(await recordFromFlags(args), signal);
}

/** `node1` or `node1/a`. */
export function placeIn(cluster: Cluster, name: string | undefined): Place {
  const places = [...cluster.nodes, ...cluster.workloads];
  const found = places.find(place => place.name === name);
  if (found) return found;
  const hint = `one of ${places.map(place => place.name).join(', ')}`;
  throw new UsageError(name ? `cluster ${cluster.spec.name} has no ${name}` : 'say where', { hint });
}

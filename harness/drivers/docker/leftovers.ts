// Finds what clusters have in a Docker engine by its labels, and removes it.
import type Docker from 'dockerode';
import { until } from '../../../lib/wait.ts';
import type { Owner, Survivor } from '../driver.ts';
import { filterFor, ownerIn } from './labels.ts';

interface Leftover {
  readonly owner: Owner;
  readonly kind: 'container' | 'network' | 'volume';
  readonly id: string;
  /** By which the host knows it. */
  readonly marks: readonly string[];
}

/** One entry for each owner, of one cluster or of all. */
export async function findLeftovers(docker: Docker, cluster?: string): Promise<readonly Survivor[]> {
  const byOwner = Map.groupBy(await list(docker, cluster), ({ owner }) => JSON.stringify(owner));
  return [...byOwner.values()].flatMap(parts => {
    const [first] = parts;
    return first
      ? [
          {
            owner: first.owner,
            what: describe(parts),
            marks: () => parts.flatMap(({ marks }) => marks),
            remove: () => removeAll(docker, parts),
          },
        ]
      : [];
  });
}

/** With its anonymous volumes. Succeeds when it is gone already, or somebody else is removing it. */
export async function removeContainer(container: Docker.Container): Promise<void> {
  await tolerate([404, 409], container.remove({ force: true, v: true }));
  await gone(() => container.inspect(), `container ${container.id.slice(0, 12)} to go`);
}

async function list(docker: Docker, cluster?: string): Promise<readonly Leftover[]> {
  const filters = filterFor(cluster);
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  const all = [
    ...containers.map(({ Id, Labels }) => ({
      kind: 'container' as const,
      id: Id,
      owner: ownerIn(Labels),
      marks: [Id],
    })),
    ...networks.map(({ Id, Labels, IPAM }) => ({
      kind: 'network' as const,
      id: Id,
      owner: ownerIn(Labels),
      // The bridge, and the first three numbers of the /24 as rules have them.
      marks: [
        `br-${Id.slice(0, 12)}`,
        ...(IPAM?.Config ?? []).map(({ Subnet = '' }) => ` ${Subnet.replace(/\d+\/\d+$/, '')}`),
      ],
    })),
    ...volumes.map(({ Name, Labels }) => ({
      kind: 'volume' as const,
      id: Name,
      owner: ownerIn(Labels),
      marks: [Name],
    })),
  ];
  return all.flatMap(({ owner, ...rest }) => (owner ? [{ owner, ...rest }] : []));
}

async function removeAll(docker: Docker, parts: readonly Leftover[]): Promise<void> {
  const idsOf = (kind: Leftover['kind']) => parts.filter(part => part.kind === kind).map(({ id }) => id);
  await Promise.all(idsOf('container').map(id => removeContainer(docker.getContainer(id))));
  // Networks and volumes are held by containers.
  await Promise.all([
    ...idsOf('network').map(id => tolerate([404], docker.getNetwork(id).remove())),
    ...idsOf('volume').map(id => tolerate([404], docker.getVolume(id).remove())),
  ]);
}

const kinds = ['container', 'network', 'volume'] as const;

function describe(parts: readonly Leftover[]): string {
  const count = (kind: Leftover['kind']) => parts.filter(part => part.kind === kind).length;
  const words = (number: number, kind: string) =>
    number === 0 ? [] : [`${number} ${kind}${number === 1 ? '' : 's'}`];
  return kinds.flatMap(kind => words(count(kind), kind)).join(', ');
}

async function gone(inspect: () => Promise<unknown>, what: string): Promise<void> {
  const probe = () =>
    inspect().then(
      () => undefined,
      error => (statusOf(error) === 404 ? true : undefined),
    );
  await until(probe, { what, timeout: 30_000, interval: 50 });
}

/** Takes an answer with one of these status codes for success. */
export async function tolerate(codes: readonly number[], promise: Promise<unknown>): Promise<void> {
  await promise.catch(error => {
    if (!codes.includes(statusOf(error) ?? 0)) throw error;
  });
}

/** Of an answer of the engine that is an error. */
export function statusOf(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode;
}

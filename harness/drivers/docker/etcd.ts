// The etcd of a docker site: one container at a fixed address of the underlay.
import type Docker from 'dockerode';
import type { Owner } from '../driver.ts';
import { containerLog } from './container-log.ts';
import { imageTags } from './images.ts';
import { labelsOf } from './labels.ts';
import { addressIn, type Underlay } from './underlay.ts';

/** Its place in the subnet; .1 is the bridge. */
export const etcdNumber = 2;

export function containerName(owner: Owner, part: string): string {
  return `flannel-lab-${owner.cluster}-${part}`;
}

/**
 * Resolves with the URL this machine reaches it by: its own, or a port of the engine's machine when `publish` asks for one.
 */
export async function startEtcd(underlay: Underlay, owner: Owner, publish: boolean): Promise<string> {
  const [{ startEtcd: start }, { etcd }] = await Promise.all([import('./containers.ts'), imageTags()]);
  const { network } = underlay;
  const place = {
    name: containerName(owner, 'etcd'),
    network,
    address: addressIn(underlay, etcdNumber),
    labels: labelsOf(owner),
  };
  const container = await start(etcd, place, publish);
  return publish
    ? `http://${container.getHost()}:${container.getMappedPort(2379)}`
    : `http://${place.address}:2379`;
}

export function etcdLogs(docker: Docker, owner: Owner): Promise<string> {
  return containerLog(docker.getContainer(containerName(owner, 'etcd')));
}

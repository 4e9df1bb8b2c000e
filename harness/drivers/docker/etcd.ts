// The etcd of a docker site: one container at a fixed address of the underlay.
import type Docker from 'dockerode';
import { UserError } from '../../../lib/errors.ts';
import type { EtcdControl, Owner } from '../driver.ts';
import { containerLog } from './container-log.ts';
import { imageTags } from './images.ts';
import { labelsOf } from './labels.ts';
import { removeContainer, tolerate } from './leftovers.ts';
import { addressIn, isOnThisMachine, type Underlay } from './underlay.ts';

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

export function etcdControl(docker: Docker, underlay: Underlay, owner: Owner): EtcdControl {
  const container = () => docker.getContainer(containerName(owner, 'etcd'));
  return {
    async stop() {
      await tolerate([409], container().kill());
      // A start in the moment before it is gone would be taken for needless.
      await container().wait({ condition: 'not-running' });
    },
    async start() {
      const isThere = await container()
        .inspect()
        .then(
          () => true,
          () => false,
        );
      if (isThere) await container().start();
      else await startEtcd(underlay, owner, false);
    },
    async pause() {
      await container().pause();
    },
    async resume() {
      await container().unpause();
    },
    async wipe() {
      if (!isOnThisMachine(underlay))
        throw new UserError(
          'an etcd that is reached through a published port would come back at another one',
        );
      await removeContainer(container());
    },
  };
}

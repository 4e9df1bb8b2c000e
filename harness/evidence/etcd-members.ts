// Who of several members of etcd answered, and what etcd itself says of them.
import type { Cluster } from '../cluster.ts';

/** One for each member, in their order. `listed`: ids of those that etcd knows at its peer URL; undefined when nobody says. */
export async function memberStates({ etcd, store }: Pick<Cluster, 'etcd' | 'store'>) {
  const { members } = store;
  const listed = await members.list().catch(() => undefined);
  return Promise.all(
    etcd.map(async ({ name, endpoint, peerUrl, host }) => {
      const [isUp, hasQuorum] = await Promise.all([members.isUp(host), members.answers([host])]);
      const known = listed?.filter(({ peerUrls }) => peerUrls.includes(peerUrl));
      return { name, endpoint, isUp, hasQuorum, listed: known?.map(({ id }) => id) };
    }),
  );
}

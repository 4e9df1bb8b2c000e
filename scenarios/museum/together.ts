// Restarts that no daemon sees the others do.
import type { Cluster } from '../../harness/vitest/index.ts';

/** All are stopped before the first one starts: nobody is there to see what the others did away with. */
export async function restartTogether(cluster: Cluster): Promise<void> {
  await Promise.all(cluster.nodes.map(node => node.daemon.stop()));
  await Promise.all(
    cluster.nodes.map(node => cluster.untilSubnetFileWritten(node, () => node.daemon.start())),
  );
}

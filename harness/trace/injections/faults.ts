// What can go wrong that the vocabulary of faults has words for.
import type { Cluster } from '../../cluster.ts';
import type { NodeHandle } from '../../drivers/driver.ts';
import type { FaultInjection } from './injection.ts';

export const vxlanFaults: readonly FaultInjection[] = [
  {
    name: 'FORWARD policy DROP, and no rule that accepts',
    expected: { node: 'node2', cause: 'forward-drop', hop: 'between flannel.1 and docker0' },
    fault: async cluster => {
      const node = cluster.node('node2');
      const rules = (await node.run(['iptables-save', '-t', 'filter'])).stdout;
      await using stack = new AsyncDisposableStack();
      stack.use(await frozen(cluster, [node]));
      stack.defer(async () => {
        await node.run(['iptables-restore'], { input: rules });
      });
      await node.run(['iptables', '-w', '-F', 'FORWARD']);
      stack.use(await cluster.fault.dropForwarding(node));
      return stack.move();
    },
  },
  {
    name: 'a node is cut off by its own filter',
    expected: { node: 'node1', cause: 'underlay-partition' },
    fault: cluster => cluster.fault.isolate(cluster.node('node1'), [cluster.node('node2')]),
  },
  ...(['node1', 'node2'] as const).map(node => ({
    name: `the uplink of ${node} is down`,
    expected: { node, cause: 'device-down' } as const,
    fault: async (cluster: Cluster) => {
      await using stack = new AsyncDisposableStack();
      stack.use(await frozen(cluster, cluster.nodes));
      stack.use(await cluster.fault.linkDown(cluster.node(node)));
      return stack.move();
    },
  })),
];

export const udpFaults: readonly FaultInjection[] = (['node1', 'node2'] as const).flatMap(node => [
  {
    name: `the pump of ${node} stands still`,
    expected: { node, cause: 'pump-dead' },
    fault: cluster => cluster.fault.freeze(cluster.node(node)),
  },
  {
    name: `the pump of ${node} is dead`,
    expected: { node, cause: 'pump-dead' },
    fault: cluster => cluster.fault.kill(cluster.node(node)),
  },
]);

/** Daemons mend what is broken, unless they stand still. */
export async function frozen(cluster: Cluster, nodes: readonly NodeHandle[]): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  for (const fault of await Promise.all(nodes.map(node => cluster.fault.freeze(node)))) stack.use(fault);
  return stack.move();
}

// Which nodes have a route to a subnet, and through what.
import { type Cidr, formatCidr } from '../../lib/ip.ts';
import type { NodeHandle } from '../drivers/driver.ts';

/** The routes to exactly this subnet in the node's main table, as `ip route` prints them. */
async function routesTo(node: NodeHandle, subnet: Cidr): Promise<readonly string[]> {
  const { stdout } = await node.run(['ip', '-4', 'route', 'show', 'exact', formatCidr(subnet)]);
  return stdout
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
}

/** One sentence for each node that has no route to the subnet (`wanted`), or still has one (not `wanted`). */
export async function routeProblems(
  nodes: readonly NodeHandle[],
  subnet: Cidr,
  wanted: boolean,
): Promise<readonly string[]> {
  const problems = nodes.map(async node => {
    const routes = await routesTo(node, subnet);
    if (wanted === routes.length > 0) return undefined;
    return wanted
      ? `${node.name} has no route to ${formatCidr(subnet)}`
      : `${node.name} still has the route ${routes.join(' and ')}`;
  });
  return (await Promise.all(problems)).filter(problem => problem !== undefined);
}

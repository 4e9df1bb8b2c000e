// Makes a cause on a real cluster, asks for the verdict, and mends it.
import { addressIn } from '../../../lib/ip.ts';
import { until } from '../../../lib/wait.ts';
import type { Cluster } from '../../cluster.ts';
import type { WorkloadHandle } from '../../drivers/driver.ts';
import { Tracer } from '../trace.ts';
import type { Verdict } from '../verdict.ts';
import { frozen } from './faults.ts';
import type { CauseInjection, ShellInjection } from './injection.ts';

/** The verdict on node1/a to node2/a. */
export async function traced(cluster: Cluster): Promise<Verdict> {
  await using tracer = new Tracer(cluster.traceable);
  return await tracer.trace(container(cluster, 'node1'), container(cluster, 'node2'));
}

/** The verdict while the cause is there; resolves when it is mended and packets arrive again. */
export async function verdictOn(cluster: Cluster, injection: CauseInjection): Promise<Verdict> {
  const verdict = await whileBroken(cluster, injection);
  await untilReached(cluster);
  return verdict;
}

async function whileBroken(cluster: Cluster, injection: CauseInjection): Promise<Verdict> {
  await using _broken =
    'fault' in injection ? await injection.fault(cluster) : await byShell(cluster, injection);
  return await traced(cluster);
}

/** Without daemons that mend it; those of udp carry the packets, and go on. */
async function byShell(cluster: Cluster, { on, breaks, heals }: ShellInjection): Promise<AsyncDisposable> {
  const carried = cluster.spec.config.Backend.Type === 'udp';
  await using stack = new AsyncDisposableStack();
  stack.use(await frozen(cluster, carried ? [] : cluster.nodes));
  stack.defer(() => shellOn(cluster, on, heals));
  await shellOn(cluster, on, breaks);
  return stack.move();
}

/** What was broken is mended, by whoever broke it or by the daemons. */
async function untilReached(cluster: Cluster): Promise<void> {
  const argv = ['ping', '-q', '-c', '1', '-W', '0.5', container(cluster, 'node2').address] as const;
  const ping = () => container(cluster, 'node1').run(argv, { okCodes: [0, 1, 2] });
  const reached = async () => ((await ping()).code === 0 ? true : undefined);
  await until(reached, { what: 'node1/a to reach node2/a', timeout: 15_000 });
}

function container(cluster: Cluster, node: string): WorkloadHandle {
  const [found] = cluster.node(node).workloads;
  if (!found) throw new Error(`${node} has no container`);
  return found;
}

async function shellOn(cluster: Cluster, place: string, script: string): Promise<void> {
  const underlay = place === 'underlay';
  const all = [...cluster.nodes, ...cluster.workloads];
  const found = underlay ? cluster.nodes[0] : all.find(one => one.name === place);
  if (!found) throw new Error(`there is no ${place}`);
  const shell = ['sh', '-ec', `${await variables(cluster)}\n${script}`] as const;
  // The first process of a netns cluster holds the underlay.
  await found.run(underlay ? ['nsenter', '--net=/proc/1/ns/net', ...shell] : shell);
}

/** What the shell knows of the cluster. */
async function variables(cluster: Cluster): Promise<string> {
  const leases = await cluster.store.leases();
  const words = cluster.nodes.flatMap((node, index) => {
    const lease = leases.find(({ publicIp }) => publicIp === node.address);
    const host = (number: number) => (lease?.subnet ? addressIn(lease.subnet, number) : '');
    const texts = {
      NODE: node.address,
      SUBNET: lease?.key.replace('-', '/'),
      BASE: host(0),
      GATEWAY: host(1),
      OTHER: host(9),
      MAC: lease?.vtepMac,
      KEY: lease?.publicKey,
      POD: node.workloads[0]?.address,
    };
    return Object.entries(texts).map(([name, value]) => `${name}${index + 1}=${value ?? ''}`);
  });
  return words.join('\n');
}

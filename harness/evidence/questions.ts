// What every node and container is asked for the evidence, by file name.
import type { Argv } from '../../lib/run.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { dockerEnvFile, subnetFile } from '../node-files.ts';

/** A command that fails leaves its complaint in the file. */
const questions: Readonly<Record<string, Argv>> = {
  'addresses.txt': ['ip', '-d', 'address'],
  'routes.txt': ['ip', 'route', 'show', 'table', 'all'],
  'rules.txt': ['ip', 'rule'],
  'neighbours.txt': ['ip', 'neighbour'],
  'fdb.txt': ['bridge', 'fdb'],
  'counters.txt': ['ip', '-s', 'link'],
  'iptables.txt': ['iptables-save', '-c'],
  'nft.txt': ['nft', 'list', 'ruleset'],
  'sysctl.txt': [
    'sh',
    '-c',
    'cd /proc/sys/net && grep . ipv4/ip_forward ipv4/conf/*/rp_filter ipv4/conf/*/forwarding ipv6/conf/*/forwarding bridge/bridge-nf-* 2>/dev/null; :',
  ],
  'subnet.env': ['cat', subnetFile],
  'docker.env': ['cat', dockerEnvFile],
  'processes.txt': ['ps', 'auxww'],
  'sockets.txt': ['ss', '-anp'],
};

export type Content = readonly [name: string, content: () => Promise<string>];

/** The daemon's log apart, which the report reads too. */
export function nodeFiles(node: NodeHandle, timeout: number): readonly Content[] {
  const answer = async (place: Pick<NodeHandle, 'run'>, argv: Argv) =>
    (await place.run(argv, { timeout })).stdout;
  const asked = Object.entries(questions).map(([name, argv]): Content => [name, () => answer(node, argv)]);
  const workloads = node.workloads.map((workload): Content => {
    const ask: Argv = ['sh', '-c', 'ip address; ip route; ip neighbour'];
    return [`${workload.name.replace('/', '-')}.txt`, () => answer(workload, ask)];
  });
  return [...asked, ...workloads];
}

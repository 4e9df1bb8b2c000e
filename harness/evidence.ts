// Everything one wants to look at after a failure, in one folder, collected before anything is removed.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeError } from '../lib/errors.ts';
import type { Argv } from '../lib/run.ts';
import { within } from '../lib/wait.ts';
import type { Cluster } from './cluster.ts';
import type { NodeHandle } from './drivers/driver.ts';
import { dockerEnvFile, subnetFile } from './node-files.ts';
import { cellLines } from './trace/failed-cells.ts';

/** What is asked of every node, by file name. A command that fails leaves its complaint in the file. */
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
    'sysctl net.ipv4.ip_forward; sysctl -a 2>/dev/null | grep -E "rp_filter|bridge-nf"',
  ],
  'subnet.env': ['cat', subnetFile],
  'docker.env': ['cat', dockerEnvFile],
  'processes.txt': ['ps', 'auxww'],
  'sockets.txt': ['ss', '-anp'],
};

const budget = 8000;

/** Collects into a new folder under `parent` (default `./evidence`) and returns its path. Never rejects. */
export async function collectEvidence(
  cluster: Cluster,
  failure: unknown,
  parent = 'evidence',
): Promise<string> {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const folder = resolve(parent, `${cluster.spec.name}-${stamp}`);
  const save = async (path: string, content: () => Promise<string>) => {
    const file = join(folder, path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(
      file,
      await content().catch(error => `could not be collected: ${describeError(error)}\n`),
    );
  };
  const tasks = [
    save('failure.txt', async () => `${describeError(failure)}\n`),
    save('cluster.json', async () => `${JSON.stringify(cluster.spec, null, 2)}\n`),
    ...(cluster.verdicts.length > 0
      ? [
          save('verdicts.txt', async () => `${cellLines(cluster.verdicts).join('\n')}\n`),
          save('verdicts.json', async () => `${JSON.stringify(cluster.verdicts, null, 2)}\n`),
        ]
      : []),
    save('etcd.log', () => cluster.etcdLogs()),
    save(
      'etcd-keys.json',
      async () => `${JSON.stringify(await within(cluster.store.dump(), budget, 'etcd'), null, 2)}\n`,
    ),
    ...cluster.nodes.flatMap(node =>
      nodeFiles(node).map(([name, content]) => save(`${node.name}/${name}`, content)),
    ),
  ];
  await Promise.allSettled(tasks);
  return folder;
}

type Content = readonly [name: string, content: () => Promise<string>];

function nodeFiles(node: NodeHandle): readonly Content[] {
  const asked = Object.entries(questions).map(([name, argv]): Content => [name, () => answer(node, argv)]);
  const workloads = node.workloads.map((workload): Content => {
    const ask: Argv = ['sh', '-c', 'ip address; ip route; ip neighbour'];
    return [`${workload.name.replace('/', '-')}.txt`, () => answer(workload, ask)];
  });
  return [['flanneld.log', () => node.daemon.logs()], ...asked, ...workloads];
}

async function answer(place: Pick<NodeHandle, 'run'>, argv: Argv): Promise<string> {
  const { stdout } = await place.run(argv, { timeout: budget });
  return stdout;
}

// One ping from here to there: the source address it arrives with, and whether it is answered.
import type { Cluster, NodeHandle, WorkloadHandle } from '../../harness/vitest/index.ts';

type Place = NodeHandle | WorkloadHandle;

export interface Flow {
  readonly what: string;
  /** Where it is sent, and from which address; undefined leaves that to the kernel. */
  readonly from: Place;
  readonly bind?: string;
  readonly to: string;
  /** Where it should arrive, and with which source. */
  readonly at: Place;
  readonly source: string;
}

export interface Seen {
  /** What the packet arrived with; says so when none did. */
  readonly source: string;
  readonly answered: boolean;
}

export async function send({ from, bind, to, at }: Flow): Promise<Seen> {
  await at.run(['nft', '-f', '-'], {
    input: `add table ip lab
delete table ip lab
add table ip lab
add set ip lab arrived { type ipv4_addr; flags dynamic; size 64; }
add chain ip lab arriving { type filter hook prerouting priority -400; }
add rule ip lab arriving icmp type echo-request ip length 75 add @arrived { ip saddr }
`,
  });
  const { code } = await from.run(
    ['ping', '-n', '-q', '-c', '1', '-W', '1', '-s', '47', ...(bind ? ['-I', bind] : []), to],
    { okCodes: [0, 1] },
  );
  const { stdout } = await at.run(['nft', '-j', 'list', 'set', 'ip', 'lab', 'arrived']);
  await at.run(['nft', 'delete', 'table', 'ip', 'lab']);
  const { nftables } = JSON.parse(stdout) as { nftables: { set?: { elem?: string[] } }[] };
  const sources = nftables.flatMap(item => item.set?.elem ?? []);
  return { source: sources.join(' and ') || 'nothing arrived', answered: code === 0 };
}

/** Makes a host of the underlay that knows nothing of the network out of the last node, and takes it out of the cluster. */
export async function outsider(cluster: Cluster): Promise<NodeHandle> {
  const node = cluster.nodes.at(-1);
  if (!node) throw new TypeError('the cluster has no nodes');
  await node.daemon.stop();
  await cluster.store.removeLease(node.address);
  await node.run([
    'sh',
    '-c',
    `ip link delete flannel.1
ip link delete docker0
ip route flush root 10.5.0.0/16
nft flush ruleset
echo 0 >/proc/sys/net/ipv4/ip_forward`,
  ]);
  return node;
}

// The flows through a network whose source addresses matter, and one ping along each to see which arrives.
import type { NodeHandle, WorkloadHandle } from '../../harness/vitest/index.ts';

/** Somewhere with an address: of its own, or one that leads there. */
export interface Spot {
  readonly place: NodeHandle | WorkloadHandle;
  readonly address: string;
}

/** Everything of one family. */
export interface Spots {
  readonly container1: Spot;
  readonly container2: Spot;
  readonly node1: Spot;
  readonly node2: Spot;
  readonly outside: Spot;
  /** Of node1, with its address on the bridge. */
  readonly docker0: Spot;
  /** The source that replies from remote containers find back to node1 with. */
  readonly tunnel: string;
  readonly group: string;
}

export interface Flow {
  readonly what: string;
  readonly from: Spot;
  /** The address it is sent to, and where it should arrive. */
  readonly to: Spot;
  /** The source address it should arrive with. */
  readonly source: string;
  /** The address it is sent from; undefined leaves that to the kernel. */
  readonly bind?: string;
}

export function flows(spots: Spots, masquerade: boolean): readonly Flow[] {
  const { container1, container2, node1, node2, outside, docker0, tunnel, group } = spots;
  const flow = (what: string, from: Spot, to: Spot, source: string) => ({ what, from, to, source });
  const changed = (kept: string, masqueraded: string) => (masquerade ? masqueraded : kept);
  const one = container1.address;
  const service = { place: container2.place, address: node1.address };
  return [
    flow('1 container to container', container1, container2, one),
    flow('2 and back', container2, container1, container2.address),
    flow('3 container to the outside', container1, outside, changed(one, node1.address)),
    flow('4 container to its own host', container1, node1, one),
    flow('4 container to docker0', container1, docker0, one),
    flow('5 container to another host', container1, node2, changed(one, node1.address)),
    flow('6 host to remote container', node1, container2, tunnel),
    {
      ...flow(
        '7 host, bound to eth0, to remote container',
        node1,
        container2,
        changed(node1.address, tunnel),
      ),
      bind: node1.address,
    },
    flow('8 host to its own container', node1, container1, docker0.address),
    flow('9 outside to container, through its host', outside, container1, outside.address),
    flow('10 the same through another host', outside, container2, changed(outside.address, tunnel)),
    flow('11 container to a group', container1, { ...node1, address: group }, one),
    flow('11 host, as docker0, to a group', node1, { ...outside, address: group }, docker0.address),
    flow('12 outside to a service that leads on', outside, service, changed(outside.address, tunnel)),
  ];
}

export interface Seen {
  /** What the packet arrived with; says so when none did. */
  readonly source: string;
  readonly answered: boolean;
}

/** Bytes of payload that nobody else's echo requests have. */
const payload = 47;

export async function send({ from, to, bind }: Flow): Promise<Seen> {
  const six = to.address.includes(':');
  const table = six ? 'ip6 lab' : 'ip lab';
  const match = six
    ? `icmpv6 type echo-request ip6 length ${payload + 8} add @arrived { ip6 saddr }`
    : `icmp type echo-request ip length ${payload + 28} add @arrived { ip saddr }`;
  await to.place.run(['nft', '-f', '-'], {
    input: `add table ${table}
delete table ${table}
add table ${table}
add set ${table} arrived { type ${six ? 'ipv6_addr' : 'ipv4_addr'}; flags dynamic; size 64; }
add chain ${table} arriving { type filter hook prerouting priority -400; }
add rule ${table} arriving ${match}
`,
  });
  const source = bind ? ['-I', bind] : [];
  const { code } = await from.place.run(
    ['ping', '-n', '-q', '-c', '1', '-W', '1', '-s', String(payload), ...source, to.address],
    { okCodes: [0, 1] },
  );
  const { stdout } = await to.place.run(['nft', '-j', 'list', 'set', ...table.split(' '), 'arrived']);
  await to.place.run(['nft', 'delete', 'table', ...table.split(' ')]);
  const { nftables } = JSON.parse(stdout) as { nftables: { set?: { elem?: string[] } }[] };
  const sources = nftables.flatMap(item => item.set?.elem ?? []);
  return { source: sources.join(' and ') || 'nothing arrived', answered: code === 0 };
}

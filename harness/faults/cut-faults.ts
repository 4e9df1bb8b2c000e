// Ways that are cut: to etcd, and between nodes, by the packet filters of the nodes.
import { UsageError } from '../../lib/errors.ts';
import { anyCode } from '../../lib/run.ts';
import { until } from '../../lib/wait.ts';
import type { EtcdMember, NodeHandle } from '../drivers/driver.ts';
import { etcdAddress, hostOf, membersOf, nodeOf, standing } from './kind.ts';
import { packetFilter, tableName } from './packet-filter.ts';
import { matching, type UnderlayAddresses, underlayAddresses } from './underlay-addresses.ts';

/** `refuse`: connections end and new ones are refused. `black-hole`: nothing arrives and nobody is told. */
export type CutMode = 'refuse' | 'black-hole';

/** The node does not reach etcd; its peers do. */
export const cutEtcd = standing({
  operands: '<node> [refuse|black-hole] [<member>]',
  help: 'the node alone does not reach etcd, or one member; connections end, or fall silent',
  read: words => [words.node(), words.choice(['refuse', 'black-hole'], 'refuse'), words.anyMember()],
  prepare: (scene, node: NodeHandle, mode: CutMode = 'refuse', member?: string) => ({
    node: node.name,
    mode,
    member: member === undefined ? undefined : membersOf(scene, member)[0]?.name,
    table: tableName(),
  }),
  make: (scene, { node: name, mode, member, table }) => {
    const node = nodeOf(scene, name);
    const members = membersOf(scene, member);
    const { to, from } = toAndFrom(members);
    const verdict = mode === 'refuse' ? 'reject with tcp reset' : 'drop';
    const filter = packetFilter(node, table, [
      ['output', `${to} ${verdict}`],
      ['input', `${from} ${verdict}`],
    ]);
    const connects = members.map(each => {
      const { hostname, port } = new URL(each.endpoint);
      return `timeout 0.3 bash --norc -c 'exec 3<>/dev/tcp/${hostname}/${port}'`;
    });
    return {
      what: `${name} is cut off from ${member ?? 'etcd'} (${mode})`,
      act: async () => {
        await filter.put();
        // Otherwise a connection that only listens would not notice before its next keep-alive.
        if (mode === 'refuse') await endConnections(node, members);
      },
      proof: async () => {
        if (mode === 'refuse' && (await openPorts(node, members)).length > 0) return false;
        const script = connects.map(connect => `! ${connect} 2>/dev/null`).join(' && ');
        return (await node.run(['sh', '-c', script], { okCodes: [0, 1] })).code === 0;
      },
      undo: () => filter.remove(),
    };
  },
});

/** The node's open connections to etcd are dead, and nobody tells it; new ones work. */
export const halfOpen = standing({
  operands: '<node>',
  help: "the node's open connections to etcd are dead without a word; new ones work",
  read: words => [words.node()],
  prepare: async ({ site }, node: NodeHandle) => {
    const open = async () => {
      const ports = await openPorts(node, site.etcd);
      return ports.length > 0 ? ports : undefined;
    };
    // A daemon that just started, or lost one, is about to have one.
    const ports = await until(open, { what: `a connection of ${node.name} to etcd`, timeout: 10_000 });
    return { node: node.name, ports, table: tableName() };
  },
  make: (scene, { node, ports, table }) => {
    const { to, from } = toAndFrom(scene.site.etcd);
    const filter = packetFilter(nodeOf(scene, node), table, [
      ['output', `${to} tcp sport { ${ports.join()} } drop`],
      ['input', `${from} tcp dport { ${ports.join()} } drop`],
    ]);
    return {
      what: `what ${node} has open to etcd is dead`,
      act: () => filter.put(),
      // A rule that cannot be put is an error, and whether it is met is up to the daemon's keep-alives.
      proof: async () => true,
      undo: () => filter.remove(),
    };
  },
});

/** Matches for rules on a node: what goes to clients' ports of these members, and what comes from there. */
export function toAndFrom(members: readonly EtcdMember[]): { readonly to: string; readonly from: string } {
  const hosts = `{ ${members.map(hostOf).join(', ')} }`;
  const [port] = new Set(members.map(({ endpoint }) => new URL(endpoint).port));
  return { to: `ip daddr ${hosts} tcp dport ${port}`, from: `ip saddr ${hosts} tcp sport ${port}` };
}

/** The node's own ports of its connections to these members. */
export async function openPorts(
  node: NodeHandle,
  members: readonly EtcdMember[],
): Promise<readonly string[]> {
  const { stdout } = await node.run(['ss', '-Htn', ...connectionsTo(members)]);
  return [...stdout.matchAll(/:(\d+)\s+\S+:\d+\s*$/gm)].map(match => match[1] ?? '');
}

/** Where the kernel can; a packet filter that rejects ends the others when they next say something. */
export async function endConnections(node: NodeHandle, members: readonly EtcdMember[]): Promise<void> {
  await node.run(['ss', '-K', '-Htn', ...connectionsTo(members)], { okCodes: anyCode });
}

/** As `ss` takes it. */
function connectionsTo(members: readonly EtcdMember[]): readonly string[] {
  const each = members.map(({ endpoint }) => `dst ${new URL(endpoint).host}`);
  return ['state', 'established', `( ${each.join(' or ')} )`];
}

/** The node reaches nobody on the underlay, or not those given, nor they it. */
export const isolate = standing({
  operands: '<node> [<node>,…]',
  help: 'nothing passes between the node and the underlay, etcd included, or those nodes',
  read: words => [words.node(), words.nodes() ?? []],
  prepare: async (scene, node: NodeHandle, from: readonly NodeHandle[] = []) => ({
    node: node.name,
    table: tableName(),
    witness: from[0]?.address ?? (await etcdAddress(scene)),
    from: from.map(({ name }) => name),
    addresses: await underlayAddresses(from),
  }),
  make: (scene, { node: name, table, witness, from, addresses }) => {
    const node = nodeOf(scene, name);
    const these = (side: 'saddr' | 'daddr') => (from.length > 0 ? matching(side, addresses) : ['']);
    const filter = packetFilter(node, table, [
      ...these('saddr').map(match => ['prerouting', `iifname "eth0" ${match} drop`] as const),
      ...these('daddr').map(match => ['postrouting', `oifname "eth0" ${match} drop`] as const),
    ]);
    return {
      what: `${name} is cut off from ${from.join(', ') || 'everything'}`,
      act: () => filter.put(),
      proof: () => unanswered(node, witness),
      undo: () => filter.remove(),
    };
  },
});

/** Nothing passes from one side to the other or, one-way, from the first side to the second; etcd is on both sides. */
export const partition = standing({
  operands: '<node>,… <node>,… [both|one-way]',
  help: 'nothing passes between two sets of nodes, or nothing from the first to the second; all reach etcd',
  read: words => [
    words.nodes() ?? [],
    words.nodes() ?? [],
    { oneWay: words.choice(['both', 'one-way'], 'both') === 'one-way' },
  ],
  prepare: async (
    _,
    side: readonly NodeHandle[],
    other: readonly NodeHandle[],
    { oneWay = false }: { readonly oneWay?: boolean } = {},
  ) => {
    const both = side.filter(node => other.includes(node));
    if (side.length === 0 || other.length === 0 || both.length > 0) {
      throw new UsageError(
        both.length > 0 ? `${both[0]?.name} is on both sides` : 'a partition has two sides',
        { hint: 'lab fault partition node1,node2 node3' },
      );
    }
    const [addresses, otherAddresses] = await Promise.all([side, other].map(underlayAddresses));
    const names = (nodes: readonly NodeHandle[]) => nodes.map(({ name }) => name);
    // Arriving packets are dropped: the sender is not told, as by its own filter it would be.
    const deaf = [
      { nodes: names(other), to: addresses as UnderlayAddresses },
      ...(oneWay ? [] : [{ nodes: names(side), to: otherAddresses as UnderlayAddresses }]),
    ];
    return { side: names(side), other: names(other), oneWay, deaf, table: tableName() };
  },
  make: (scene, { side, other, oneWay, deaf, table }) => {
    const filters = deaf.flatMap(({ nodes, to }) =>
      nodes.map(name =>
        packetFilter(
          nodeOf(scene, name),
          table,
          matching('saddr', to).map(match => ['prerouting', `iifname "eth0" ${match} drop`] as const),
        ),
      ),
    );
    return {
      what: `nothing passes ${oneWay ? 'from' : 'between'} ${side.join(', ')} ${oneWay ? 'to' : 'and'} ${other.join(', ')}`,
      act: () => Promise.all(filters.map(filter => filter.put())),
      // Either way round a ping needs both directions.
      proof: async () => {
        const pings = side.flatMap(from =>
          other.map(to => unanswered(nodeOf(scene, from), nodeOf(scene, to).address)),
        );
        return (await Promise.all(pings)).every(Boolean);
      },
      undo: () => Promise.all(filters.map(filter => filter.remove())),
    };
  },
});

/** Whether a ping gets no answer. */
async function unanswered(node: NodeHandle, address: string): Promise<boolean> {
  const { code } = await node.run(['ping', '-q', '-c', '1', '-W', '0.3', address], { okCodes: [0, 1] });
  return code === 1;
}

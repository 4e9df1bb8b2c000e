// An underlay that loses, repeats, throttles or holds up packets.
import type { NodeHandle } from '../drivers/driver.ts';
import { etcdAddress, FaultUnavailable, nodeOf, standing, standsAlone } from './kind.ts';
import { hasLateUplink, lateUplink, whyNotLate } from './late-uplink.ts';
import { packetFilter, tableName } from './packet-filter.ts';

const percent = [1, 99] as const;

/** The node loses so many of a hundred packets that arrive on eth0. */
export const lose = standing({
  operands: '<node> <percent>',
  help: 'so many of a hundred packets that arrive on eth0 are lost',
  read: words => [words.node(), words.number('percent', percent)],
  prepare: (_, node: NodeHandle, share: number) => ({ node: node.name, share, table: tableName() }),
  make: (scene, { node: name, share, table }) => {
    const node = nodeOf(scene, name);
    const rule = `iifname "eth0" numgen random mod 100 < ${share} drop`;
    const filter = packetFilter(node, table, [['prerouting', rule]]);
    return {
      what: `${name} loses ${share} % of what arrives`,
      act: () => filter.put(),
      proof: async () => /[1-9]\d*(\.\d+)?% packet loss/.test(await burst(node, await etcdAddress(scene))),
      undo: () => filter.remove(),
    };
  },
});

/** So many of a hundred packets that leave the node on eth0 leave it twice. */
export const duplicate = standing({
  operands: '<node> <percent>',
  help: 'so many of a hundred packets that leave on eth0 leave twice',
  read: words => [words.node(), words.number('percent', percent)],
  prepare: (_, node: NodeHandle, share: number) => ({ node: node.name, share, table: tableName() }),
  make: (scene, { node: name, share, table }) => {
    const node = nodeOf(scene, name);
    // Everybody a node talks to is on its link, so the copy needs no other next hop than its destination.
    const rule = `oifname "eth0" numgen random mod 100 < ${share} dup to ip daddr device "eth0"`;
    const filter = packetFilter(node, table, [['postrouting', rule]], 'ip');
    return {
      what: `${share} % of what leaves ${name} leaves it twice`,
      act: () => filter.put(),
      proof: async () => /\+\d+ duplicates/.test(await burst(node, await etcdAddress(scene))),
      undo: () => filter.remove(),
    };
  },
});

/** What leaves the node on eth0 goes no faster, in kbit/s; what has to wait longer than 100 ms is lost. */
export const throttle = standing({
  operands: '<node> <kbit/s>',
  help: 'eth0 sends no faster, and loses what would have to wait longer than 100 ms',
  read: words => [words.node(), words.number('kbit/s', [8, 50_000])],
  prepare: async (_, node: NodeHandle, rate: number) => {
    const problem = await whyNoQueue(node, 'tbf', ['rate', '1mbit', 'burst', '32kb', 'latency', '100ms']);
    if (problem !== undefined) throw noQueue('tbf', problem);
    return { node: node.name, rate };
  },
  make: (scene, { node: name, rate }) => {
    const node = nodeOf(scene, name);
    const queue = uplinkQueue(node, ['tbf', 'rate', `${rate}kbit`, 'burst', '32kb', 'latency', '100ms']);
    return {
      what: `${name} sends no faster than ${rate} kbit/s`,
      act: queue.put,
      proof: async () => {
        await burst(node, await etcdAddress(scene), 1400);
        const { stdout } = await node.run(['tc', '-s', 'qdisc', 'show', 'dev', 'eth0', 'root']);
        return /overlimits [1-9]/.test(stdout);
      },
      undo: queue.remove,
    };
  },
});

/**
 * What leaves the node on eth0 leaves so many milliseconds later: held by netem or, where the kernel has none, by a
 * program on the node, which adds about a millisecond and carries less.
 */
export const delay = standing({
  operands: '<node> <ms>',
  help: 'what leaves on eth0 leaves that much later',
  read: words => [words.node(), words.number('ms', [1, 4000])],
  prepare: async (_, node: NodeHandle, milliseconds: number) => {
    await standsAlone(node, 'eth0', hasLateUplink);
    const table = tableName();
    const inKernel = await whyNoQueue(node, 'netem', ['delay', '1ms']);
    if (inKernel === undefined) return { node: node.name, milliseconds, by: 'netem', table };
    const byProgram = await whyNotLate(node, table);
    if (byProgram === undefined) return { node: node.name, milliseconds, by: 'program', table };
    throw noQueue('netem', `${inKernel}, and leads no packet elsewhere: ${byProgram}`);
  },
  make: (scene, { node: name, milliseconds, by, table }) => {
    const node = nodeOf(scene, name);
    const uplink =
      by === 'netem'
        ? uplinkQueue(node, ['netem', 'limit', '10000', 'delay', `${milliseconds}ms`])
        : lateUplink(node, table, milliseconds);
    return {
      what: `what ${name} sends leaves ${milliseconds} ms later`,
      act: uplink.put,
      proof: async () => {
        const { stdout } = await node.run(['ping', '-c', '1', '-W', '5', await etcdAddress(scene)], {
          okCodes: [0, 1],
        });
        return Number(/time=([\d.]+)/.exec(stdout)?.[1] ?? 0) >= milliseconds;
      },
      undo: uplink.remove,
    };
  },
});

/** Sixty pings at once; what ping says of them. */
async function burst(node: NodeHandle, address: string, size = 56): Promise<string> {
  const argv = [
    'ping',
    '-q',
    '-f',
    '-l',
    '60',
    '-c',
    '60',
    '-w',
    '2',
    '-W',
    '0.3',
    '-s',
    String(size),
    address,
  ] as const;
  return (await node.run(argv, { okCodes: [0, 1] })).stdout;
}

/** The one queue of eth0; an error when it has another already. */
function uplinkQueue(node: NodeHandle, words: readonly string[]) {
  return {
    put: () => node.run(['tc', 'qdisc', 'add', 'dev', 'eth0', 'root', ...words]),
    remove: () => node.run(['tc', 'qdisc', 'delete', 'dev', 'eth0', 'root'], { okCodes: [0, 2] }),
  };
}

/** Why the kernel has no such queue, undefined when it has; refuses a second one on eth0. Tried on the loopback of the node. */
async function whyNoQueue(
  node: NodeHandle,
  kind: string,
  words: readonly string[],
): Promise<string | undefined> {
  await standsAlone(node, 'eth0', "tc qdisc show dev eth0 root | grep -qE 'tbf|netem'");
  const queue = ['tc', 'qdisc', 'add', 'dev', 'lo', 'root', kind, ...words] as const;
  const { code, stderr } = await node.run([...queue], { okCodes: [0, 1, 2] });
  if (code !== 0) return stderr.trim();
  await node.run(['tc', 'qdisc', 'delete', 'dev', 'lo', 'root']);
  return undefined;
}

function noQueue(kind: string, why: string): FaultUnavailable {
  return new FaultUnavailable(`this kernel has no ${kind} queue (sch_${kind}): ${why}`, {
    hint: `modprobe sch_${kind}   # or a kernel with CONFIG_NET_SCH_${kind.toUpperCase()}`,
  });
}

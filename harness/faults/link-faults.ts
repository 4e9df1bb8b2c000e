// The uplink of a node: down, gone, flapping, with another address or a smaller MTU.
import { UsageError } from '../../lib/errors.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { act, etcdAddress, nodeOf, standing } from './kind.ts';
import { deviceState, restoreScript } from './uplink.ts';

/** Set down by hand; mended as a network manager does it: up, with its addresses and default routes. */
export const linkDown = standing({
  operands: '<node> [<device>]',
  help: 'eth0, or that device, is down',
  read: words => [words.node(), words.optional() ?? 'eth0'],
  prepare: async (_, node: NodeHandle, dev: string = 'eth0') => ({
    node: node.name,
    device: await deviceState(node, dev),
  }),
  make: (scene, { node: name, device }) => {
    const node = nodeOf(scene, name);
    const { dev } = device;
    return {
      what: `${dev} of ${name} is down`,
      act: () => node.run(['ip', 'link', 'set', dev, 'down']),
      proof: async () => {
        const { stdout } = await node.run(['ip', '-o', 'link', 'show', dev]);
        return stdout.includes('state DOWN') || !/[<,]UP[,>]/.test(stdout);
      },
      undo: () => node.run(['sh', '-c', restoreScript(device)]),
    };
  },
});

/** eth0 goes down and comes back so many times, each time as {@link linkDown}. */
export const flap = act({
  operands: '<node> [<times>]',
  help: 'eth0 goes down and comes back, three times or as often as told',
  read: words => [words.node(), words.number('times', [1, 1000], 3)],
  what: (node: NodeHandle, times: number = 3) =>
    `eth0 of ${node.name} goes down and comes back ${times} times`,
  act: async (_, node: NodeHandle, times: number = 3) => {
    const restore = restoreScript(await deviceState(node, 'eth0'));
    const script = `set -e
for _ in $(seq ${times}); do
ip link set eth0 down
! ip -br link show eth0 | grep -q '[<,]UP[,>]'
${restore}
done`;
    await node.run(['sh', '-c', script], { timeout: 30_000 + times * 100 });
  },
});

/** eth0 disappears with all that stands on it; healed, there is a new one with the same address. */
export const unplug = standing({
  operands: '<node>',
  help: 'eth0 is gone; healed, there is a new one with the same address',
  read: words => [words.node()],
  prepare: (_, node: NodeHandle) => ({ node: node.name }),
  make: (scene, { node: name }) => {
    const node = nodeOf(scene, name);
    const hasUplink = async () =>
      (await node.run(['ip', 'link', 'show', 'eth0'], { okCodes: [0, 1] })).code === 0;
    return {
      what: `${name} has no eth0`,
      act: () => node.unplug(),
      proof: async () => !(await hasUplink()),
      undo: async () => {
        if (!(await hasUplink())) await node.plug();
      },
    };
  },
});

/** eth0 loses its IPv4 address and has another one of the underlay, by default its own plus 100. */
export const changeAddress = standing({
  operands: '<node> [<address>]',
  help: 'eth0 has another IPv4 address, by default its own plus 100',
  read: words => [words.node(), words.optional()],
  prepare: async (_, node: NodeHandle, wanted?: string) => {
    const device = await deviceState(node, 'eth0');
    const former = device.addresses.find(address => address.startsWith(`${node.address}/`));
    if (!former) throw new UsageError(`eth0 of ${node.name} does not have ${node.address}`);
    const address = wanted ?? hundredMore(node.address);
    if (!/^\d+\.\d+\.\d+\.\d+$/.test(address)) throw new UsageError(`${address} is no IPv4 address`);
    return { node: node.name, device, former, next: `${address}/${former.split('/')[1]}` };
  },
  make: (scene, { node: name, device, former, next }) => {
    const node = nodeOf(scene, name);
    const swap = (from: string, to: string) => {
      const addresses = [...device.addresses.filter(address => address !== former), to];
      return `ip address delete ${from} dev eth0 2>/dev/null
${restoreScript({ ...device, addresses })}`;
    };
    return {
      what: `${name} has the address ${next} instead of ${former}`,
      act: () => node.run(['sh', '-c', swap(former, next)]),
      proof: async () => {
        const ping = [
          'ping',
          '-q',
          '-c',
          '1',
          '-W',
          '0.5',
          '-I',
          next.split('/')[0] ?? '',
          await etcdAddress(scene),
        ] as const;
        return (await node.run(ping, { okCodes: [0, 1, 2] })).code === 0;
      },
      undo: () => node.run(['sh', '-c', swap(next, former)]),
    };
  },
});

function hundredMore(address: string): string {
  const bytes = address.split('.').map(Number);
  const last = ((bytes[3] ?? 0) + 100) % 254;
  return [...bytes.slice(0, 3), last || 254].join('.');
}

/** The underlay at these nodes carries only packets up to so many bytes: larger ones that arrive are lost without a word. */
export const shrinkMtu = standing({
  operands: '<bytes> [<node>,…]',
  help: 'eth0 of all nodes, or those, takes packets only up to that size',
  read: words => [words.number('bytes', [576, 9216]), words.nodes()],
  prepare: async ({ site }, mtu: number, nodes: readonly NodeHandle[] = site.nodes) => {
    const before = await Promise.all(
      nodes.map(async node => ({ node: node.name, mtu: await uplinkMtu(node) })),
    );
    return { mtu, before };
  },
  make: (scene, { mtu, before }) => {
    const set = (name: string, bytes: number) =>
      nodeOf(scene, name).run(['ip', 'link', 'set', 'eth0', 'mtu', String(bytes)]);
    return {
      what: `the underlay of ${before.map(({ node }) => node).join(', ')} has MTU ${mtu}`,
      act: () => Promise.all(before.map(({ node }) => set(node, mtu))),
      proof: async () => {
        const seen = await Promise.all(before.map(({ node }) => uplinkMtu(nodeOf(scene, node))));
        return seen.every(bytes => bytes === mtu);
      },
      undo: () => Promise.all(before.map(({ node, mtu: former }) => set(node, former))),
    };
  },
});

async function uplinkMtu(node: NodeHandle): Promise<number> {
  const { stdout } = await node.run(['ip', '-o', 'link', 'show', 'eth0']);
  return Number(/ mtu (\d+)/.exec(stdout)?.[1]);
}

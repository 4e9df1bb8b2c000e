// etcd that is gone, mute, slow, or without its history.
import type { NodeHandle } from '../drivers/driver.ts';
import { endConnections, openPorts } from './cut-faults.ts';
import { answerTime, startHop, stopHop } from './etcd-hop.ts';
import type { Injection } from './fault.ts';
import { act, nodeOf, type Scene, standing } from './kind.ts';
import { packetFilter, tableName } from './packet-filter.ts';

/** etcd crashes; with `wipe` it comes back empty. */
export const stopEtcd = standing({
  operands: '[wipe]',
  help: 'etcd is stopped as by a crash; wiped, it comes back empty',
  read: words => [{ wipe: words.choice(['keep', 'wipe'], 'keep') === 'wipe' }],
  prepare: (_, { wipe = false }: { readonly wipe?: boolean } = {}) => ({ wipe }),
  make: (scene, { wipe }) => {
    const { etcd } = scene.site;
    return mute(scene, {
      what: wipe ? 'etcd is stopped and its data gone' : 'etcd is stopped',
      act: async () => {
        await etcd.stop();
        if (wipe) await etcd.wipe();
      },
      undo: () => etcd.start(),
    });
  },
});

/** etcd keeps its connections and answers nothing. */
export const pauseEtcd = standing({
  operands: '',
  help: 'etcd keeps its connections and answers nothing',
  read: () => [],
  prepare: () => ({}),
  make: scene => {
    const { etcd } = scene.site;
    return mute(scene, { what: 'etcd is paused', act: () => etcd.pause(), undo: () => etcd.resume() });
  },
});

/** Healed only when etcd answers again. */
function mute({ store, signal }: Scene, injection: Omit<Injection, 'proof'>): Injection {
  return {
    ...injection,
    proof: async () => !(await store.answers()),
    undo: async () => {
      if (!(await store.answers())) await injection.undo();
      await store.ready(signal);
    },
  };
}

/** Whatever the node says to etcd arrives so many milliseconds later; other nodes are served as ever. */
export const slowEtcd = standing({
  operands: '<node> <ms>',
  help: 'what the node asks of etcd arrives there that much later',
  read: words => [words.node(), words.number('ms', [1, 60_000])],
  prepare: async ({ site }, node: NodeHandle, milliseconds: number) => {
    const table = tableName();
    // Those that are open now would go on past the hop.
    return { node: node.name, milliseconds, table, open: await openPorts(node, site.etcdEndpoint) };
  },
  make: (scene, { node: name, milliseconds, table, open }) => {
    const node = nodeOf(scene, name);
    const { etcdEndpoint } = scene.site;
    const { hostname, port } = new URL(etcdEndpoint);
    const toEtcd = `ip daddr ${hostname} tcp dport ${port}`;
    const filter = (hop: string) =>
      packetFilter(node, table, [
        ['nat', `${toEtcd} tcp sport != ${hopPorts.join('-')} redirect to :${hop}`],
        ...(open.length > 0
          ? [['output', `${toEtcd} tcp sport { ${open.join()} } reject with tcp reset`] as const]
          : []),
      ]);
    return {
      what: `etcd is ${milliseconds} ms slower for ${name}`,
      act: async () => {
        const hop = await startHop(node, table, { etcdEndpoint, milliseconds, ports: hopPorts });
        await filter(hop).put();
        await endConnections(node, etcdEndpoint);
      },
      proof: async () => (await answerTime(node, etcdEndpoint)) >= milliseconds,
      undo: async () => {
        await filter('1').remove();
        await stopHop(node, table);
      },
      patience: 10_000 + 3 * milliseconds,
    };
  },
});

/** The hop's own ports towards etcd, below those that kernels choose from. */
const hopPorts = [20_000, 29_999] as const;

/** etcd forgets all history before now. */
export const compactEtcd = act({
  operands: '',
  help: 'etcd forgets all history before now',
  read: () => [],
  what: () => 'etcd is compacted',
  act: ({ store }) => store.compact(),
});

// etcd that is gone, mute, slow, or without its history.
import { until } from '../../lib/wait.ts';
import type { EtcdMember, NodeHandle } from '../drivers/driver.ts';
import type { Store } from '../store.ts';
import { endConnections, openPorts, toAndFrom } from './cut-faults.ts';
import { answerTime, startHop, stopHop } from './etcd-hop.ts';
import type { Injection } from './fault.ts';
import { act, FaultUnavailable, membersOf, nodeOf, type Scene, standing } from './kind.ts';
import { packetFilter, tableName } from './packet-filter.ts';

/** Which members; all when none is named. */
export interface OfEtcd {
  readonly member?: string | undefined;
}

/** etcd, or one member of it, crashes; with `wipe` all of it comes back empty. */
export const stopEtcd = standing({
  operands: '[wipe|<member>]',
  help: 'etcd, or one member of it, is stopped as by a crash; wiped, it comes back empty',
  read: words => {
    const word = words.choice(['keep', 'wipe', ...words.members], 'keep');
    return [{ wipe: word === 'wipe', member: words.members.find(name => name === word) }];
  },
  prepare: (scene, { wipe = false, member }: OfEtcd & { readonly wipe?: boolean } = {}) => {
    const members = membersOf(scene, member);
    if (wipe && members.length < scene.site.etcd.length)
      throw new FaultUnavailable(`${member} does not come back as itself without its data`, {
        hint: 'lab fault lose-etcd-member   # heals as a new member',
      });
    if (wipe) members.forEach(needPlace);
    return { wipe, member };
  },
  make: (scene, { wipe, member }) => {
    const members = membersOf(scene, member);
    return mute(scene, members, {
      what: wipe ? 'etcd is stopped and its data gone' : `${member ?? 'etcd'} is stopped`,
      act: async each => {
        await each.stop();
        if (wipe) await each.wipe();
      },
      undo: each => each.start(),
    });
  },
});

/** etcd, or one member of it, keeps its connections and answers nothing. */
export const pauseEtcd = standing({
  operands: '[<member>]',
  help: 'etcd, or one member of it, keeps its connections and answers nothing',
  read: words => [{ member: words.anyMember() }],
  prepare: (scene, { member }: OfEtcd = {}) => {
    membersOf(scene, member);
    return { member };
  },
  make: (scene, { member }) =>
    mute(scene, membersOf(scene, member), {
      what: `${member ?? 'etcd'} is paused`,
      act: each => each.pause(),
      undo: each => each.resume(),
    }),
});

interface Muting {
  readonly what: string;
  readonly act: (member: EtcdMember) => Promise<unknown>;
  readonly undo: (member: EtcdMember) => Promise<unknown>;
}

/** None of the members answers; healed only when all do, and etcd as a whole if it has a quorum. */
export function mute(scene: Scene, members: readonly EtcdMember[], { what, act, undo }: Muting): Injection {
  const { store, signal } = scene;
  return {
    what,
    act: () => Promise.all(members.map(act)),
    proof: async () => {
      const up = await Promise.all(members.map(({ host }) => store.members.isUp(host)));
      return !up.includes(true);
    },
    undo: async () => {
      await Promise.all(
        members.map(async member => {
          if (!(await store.members.isUp(member.host))) await undo(member);
          await answers(store, member, signal);
        }),
      );
      if (await hasQuorum(scene)) await store.ready(signal);
    },
  };
}

/** Whether so many members are up, each by itself, that together they can answer. */
export async function hasQuorum({ site, store }: Scene): Promise<boolean> {
  const up = await Promise.all(site.etcd.map(({ host }) => store.members.isUp(host)));
  return up.filter(Boolean).length > site.etcd.length / 2;
}

/** Resolves when the member answers for itself. */
export async function answers(store: Store, { name, host }: EtcdMember, signal: AbortSignal): Promise<void> {
  const isUp = async () => ((await store.members.isUp(host)) ? true : undefined);
  await until(isUp, { what: `${name} to answer`, timeout: 30_000, interval: 50, signal });
}

/** Throws where a member that is made anew could not be found again. */
export function needPlace({ name, host, endpoint }: EtcdMember): void {
  if (!host.startsWith('unix:') && host !== endpoint)
    throw new FaultUnavailable(
      `${name} is reached through a published port, and would come back at another one`,
    );
}

/** Whatever the node says to etcd, or one member, arrives so many milliseconds later; other nodes are served as ever. */
export const slowEtcd = standing({
  operands: '<node> <ms> [<member>]',
  help: 'what the node asks of etcd, or of one member, arrives there that much later',
  read: words => [words.node(), words.number('ms', [1, 60_000]), words.anyMember()],
  prepare: async (scene, node: NodeHandle, milliseconds: number, member?: string) => {
    const table = tableName();
    // Those that are open now would go on past the hop.
    const open = await openPorts(node, membersOf(scene, member));
    return { node: node.name, milliseconds, member, table, open };
  },
  make: (scene, { node: name, milliseconds, member, table, open }) => {
    const node = nodeOf(scene, name);
    const members = membersOf(scene, member);
    const hopOf = (each: EtcdMember) => `${table}_${each.name}`;
    const filter = (hops: readonly string[]) =>
      packetFilter(node, table, [
        ...members.map(
          (each, at) =>
            [
              'nat',
              `${toAndFrom([each]).to} tcp sport != ${hopPorts.join('-')} redirect to :${hops[at] ?? '1'}`,
            ] as const,
        ),
        ...(open.length > 0
          ? [
              [
                'output',
                `${toAndFrom(members).to} tcp sport { ${open.join()} } reject with tcp reset`,
              ] as const,
            ]
          : []),
      ]);
    return {
      what: `${member ?? 'etcd'} is ${milliseconds} ms slower for ${name}`,
      act: async () => {
        const starting = members.map(each =>
          startHop(node, hopOf(each), { etcdEndpoint: each.endpoint, milliseconds, ports: hopPorts }),
        );
        await filter(await Promise.all(starting)).put();
        await endConnections(node, members);
      },
      proof: async () => {
        const asked = await Promise.allSettled(members.map(({ endpoint }) => answerTime(node, endpoint)));
        // A member that is stopped meanwhile is no quicker.
        const times = asked.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []));
        return times.length > 0 && times.every(time => time >= milliseconds);
      },
      undo: async () => {
        await filter([]).remove();
        await Promise.all(members.map(each => stopHop(node, hopOf(each))));
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

// Members of an etcd that has several: one lost with its data, one out of reach, and so many gone that no quorum is left.
import { until } from '../../lib/wait.ts';
import type { EtcdMember } from '../drivers/driver.ts';
import { answers, hasQuorum, mute, needPlace } from './etcd-faults.ts';
import { FaultUnavailable, membersOf, type Scene, standing } from './kind.ts';

/** Milliseconds a member that is back may take: etcd takes a new one only when all others have been in touch for 5 s. */
const returning = 30_000;

/** The member is dead and its data gone. Healed, a new one takes its place, as an operator makes it: removed, added, started. */
export const loseEtcdMember = standing({
  operands: '<member>',
  help: 'the member of etcd is dead and its data gone; healed, a new one is in its place',
  read: words => [words.member()],
  prepare: async (scene, name: string) => {
    const member = oneOf(scene, name);
    needPlace(member);
    await needOthers(scene, member);
    return { member: name };
  },
  make: (scene, { member: name }) => {
    const { store, signal } = scene;
    const member = oneOf(scene, name);
    return {
      what: `${name} is lost with its data`,
      act: async () => {
        await member.stop();
        await member.wipe();
      },
      proof: async () => !(await member.isRunning()) && !(await store.members.isUp(member.host)),
      undo: async () => {
        if (await store.members.answers([member.host])) return;
        await member.stop();
        await member.wipe();
        const replaced = () => store.members.replace(member.peerUrl).then(() => true);
        const options = { timeout: returning, interval: 100, signal };
        await until(replaced, { what: `etcd to take a new member in the place of ${name}`, ...options });
        await member.start('existing');
        await forAll(scene, member);
      },
    };
  },
});

/** Nobody on the underlay reaches the member, nor it them; other members neither. */
export const isolateEtcdMember = standing({
  operands: '<member>',
  help: 'the member of etcd is off the underlay, away from nodes and other members, and runs on',
  read: words => [words.member()],
  prepare: async (scene, name: string) => {
    oneOf(scene, name);
    return { member: name };
  },
  make: (scene, { member: name }) => {
    const member = oneOf(scene, name);
    return {
      what: `${name} is cut off from everything`,
      act: () => member.unplug(),
      // On its own it answers for nobody, whoever can still talk to it.
      proof: async () => !(await scene.store.members.answers([member.host])),
      undo: async () => {
        await member.plug();
        await forAll(scene, member);
      },
    };
  },
});

/** More than half of the members are dead, with their data kept: the others answer nothing that counts. */
export const loseEtcdQuorum = standing({
  operands: '[<member>]',
  help: 'more than half of the members of etcd are stopped; the member, by default etcd1, is not',
  read: words => [words.anyMember()],
  prepare: async (scene, staying: string = 'etcd1') => {
    const others = scene.site.etcd.filter(member => member !== oneOf(scene, staying));
    const going = others.slice(0, Math.ceil(scene.site.etcd.length / 2)).map(({ name }) => name);
    return { going };
  },
  make: (scene, { going }) => {
    const injection = mute(
      scene,
      going.flatMap(name => membersOf(scene, name)),
      {
        what: `etcd has no quorum: ${going.join(', ')} are stopped`,
        act: member => member.stop(),
        undo: member => member.start(),
      },
    );
    const proof = async () => (await injection.proof()) && !(await scene.store.members.answers());
    return { ...injection, proof };
  },
});

/** Throws where there is no other member to go on. */
function oneOf(scene: Scene, name: string): EtcdMember {
  const { site } = scene;
  if (site.etcd.length < 3)
    throw new FaultUnavailable(`etcd of cluster ${site.owner.cluster} has one member only`, {
      hint: 'spec: { etcdMembers: 3 }, or `lab up --etcd-members 3`; stop-etcd and pause-etcd do with one',
    });
  const [member] = membersOf(scene, name);
  if (!member) throw new TypeError('no member of that name, and no error');
  return member;
}

/** Throws where etcd would not outlive the loss: without a quorum nobody can be put in the place of the member. */
async function needOthers({ site, store }: Scene, member: EtcdMember): Promise<void> {
  const others = site.etcd.filter(other => other !== member);
  const up = await Promise.all(others.map(({ host }) => store.members.answers([host])));
  const silent = others.filter((_, at) => !up[at]).map(({ name }) => name);
  if (others.length - silent.length > site.etcd.length / 2) return;
  throw new FaultUnavailable(
    `without ${member.name} etcd has no quorum: ${silent.join(', ')} does not answer`,
    {
      hint: 'lab fault   # lists what is in force',
    },
  );
}

/** Resolves when the member answers for etcd as a whole; for itself where etcd has no quorum. */
async function forAll(scene: Scene, member: EtcdMember): Promise<void> {
  const { store, signal } = scene;
  await answers(store, member, signal);
  const isPart = async () => {
    if (await store.members.answers([member.host])) return true;
    return (await hasQuorum(scene)) ? undefined : true;
  };
  await until(isPart, {
    what: `${member.name} to be a part of etcd`,
    timeout: returning,
    interval: 50,
    signal,
  });
}

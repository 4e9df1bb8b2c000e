// A daemon that stands still, is gone, or takes its time to start.
import { UserError } from '../../lib/errors.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { nodeOf, type Scene, standing } from './kind.ts';

/** The daemon stands still, as on a suspended host. */
export const freeze = standing({
  operands: '<node>',
  help: 'the daemon stands still, as on a suspended host',
  read: words => [words.node()],
  prepare: async (_, node: NodeHandle) => {
    const { pid } = await node.daemon.state();
    if (pid === undefined)
      throw new UserError(`the daemon of ${node.name} does not run, so it cannot be frozen`);
    return { node: node.name, pid };
  },
  make: (scene, { node: name, pid }) => {
    const node = nodeOf(scene, name);
    return {
      what: `the daemon of ${name} is frozen`,
      act: () => node.run(['kill', '-STOP', String(pid)]),
      proof: async () => {
        const { stdout } = await node.run(['sh', '-c', `grep ^State: /proc/${pid}/status`]);
        return stdout.includes('T (stopped)');
      },
      // It may have been killed meanwhile.
      undo: () => node.run(['kill', '-CONT', String(pid)], { okCodes: [0, 1] }),
    };
  },
});

const ended = (how: string, end: (node: NodeHandle) => Promise<unknown>) => ({
  operands: '<node>',
  prepare: (_: Scene, node: NodeHandle) => ({ node: node.name }),
  make: (scene: Scene, { node: name }: { readonly node: string }) => {
    const node = nodeOf(scene, name);
    return {
      what: `the daemon of ${name} ${how}`,
      act: () => end(node),
      proof: async () => !(await node.daemon.state()).running,
      undo: () => node.daemon.start(),
    };
  },
});

/** The daemon is killed and stays dead. */
export const kill = standing({
  ...ended('is dead', node => node.daemon.kill()),
  help: 'the daemon is killed, and nobody starts it again',
  read: words => [words.node()],
});

/** The daemon is told to end, and stays away. */
export const term = standing({
  ...ended('has been ended', node => node.daemon.stop()),
  help: 'the daemon is ended with SIGTERM, and nobody starts it again',
  read: words => [words.node()],
});

/** The daemon does nothing for so many seconds whenever it is started. */
export const slowStart = standing({
  operands: '<node> <seconds>',
  help: 'whenever the daemon is started, it does nothing for that long',
  read: words => [words.node(), words.number('seconds', [1, 600])],
  prepare: async (_, { name, daemon }: NodeHandle, seconds: number) => ({
    node: name,
    seconds,
    former: await daemon.startDelay(),
  }),
  make: (scene, { node: name, seconds, former }) => {
    const { daemon } = nodeOf(scene, name);
    return {
      what: `the daemon of ${name} takes ${seconds} s to start`,
      act: () => daemon.delayStart(seconds),
      proof: async () => (await daemon.startDelay()) === seconds,
      undo: () => daemon.delayStart(former),
    };
  },
});

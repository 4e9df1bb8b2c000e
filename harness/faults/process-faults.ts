// Daemons and etcd that stand still or are gone.
import type { EtcdControl, NodeHandle } from '../drivers/driver.ts';
import type { Injection } from './fault.ts';

/** SIGSTOP, as for a suspended host; SIGCONT. */
export async function frozenDaemon(node: NodeHandle): Promise<Injection> {
  const { pid } = await node.daemon.state();
  if (pid === undefined) throw new Error(`the daemon of ${node.name} does not run, so it cannot be frozen`);
  const signal = (name: string) => node.run(['kill', `-${name}`, String(pid)]);
  return {
    what: `the daemon of ${node.name} is frozen`,
    act: () => signal('STOP'),
    proof: async () => {
      const { stdout } = await node.run(['sh', '-c', `grep ^State: /proc/${pid}/status`]);
      return stdout.includes('T (stopped)');
    },
    undo: () => signal('CONT'),
  };
}

/** SIGKILL, and nobody starts it again. */
export function deadDaemon(node: NodeHandle): Injection {
  return {
    what: `the daemon of ${node.name} is dead`,
    act: () => node.daemon.kill(),
    proof: async () => !(await node.daemon.state()).running,
    undo: () => node.daemon.start(),
  };
}

/** Ended as by a crash; with `wipe` it comes back without any data, so at revision 1. */
export function stoppedEtcd(etcd: EtcdControl, answers: () => Promise<boolean>, wipe: boolean): Injection {
  return {
    what: wipe ? 'etcd is stopped and its data gone' : 'etcd is stopped',
    act: async () => {
      await etcd.stop();
      if (wipe) await etcd.wipe();
    },
    proof: async () => !(await answers()),
    undo: () => etcd.start(),
  };
}

/** Connections stay open, and nothing is answered. */
export function pausedEtcd(etcd: EtcdControl, answers: () => Promise<boolean>): Injection {
  return {
    what: 'etcd is paused',
    act: () => etcd.pause(),
    proof: async () => !(await answers()),
    undo: () => etcd.resume(),
  };
}

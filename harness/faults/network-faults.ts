// A node's ways to etcd and to other nodes, cut by its own packet filter, and its uplink down or gone.

import { anyCode } from '../../lib/run.ts';
import { until } from '../../lib/wait.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import type { Injection } from './fault.ts';

/** `refuse`: connections end and new ones are refused. `black-hole`: nothing arrives and nobody is told. */
export type CutMode = 'refuse' | 'black-hole';

/** Connections that are open now fall silent, without a word to either end; new ones work. */
export async function halfOpen(node: NodeHandle, endpoint: string): Promise<Injection> {
  const { hostname, port } = new URL(endpoint);
  const list = `ss -Htn state established dst ${hostname} dport = :${port}`;
  const open = async () => {
    const { stdout } = await node.run(['sh', '-c', list]);
    const found = [...stdout.matchAll(/:(\d+)\s+\S+:\d+\s*$/gm)].map(match => match[1]);
    return found.length > 0 ? found : undefined;
  };
  // A daemon that just started, or lost one, is about to have one.
  const ports = await until(open, { what: `a connection of ${node.name} to etcd`, timeout: 10_000 });
  const filter = packetFilter(node, [
    ['output', `ip daddr ${hostname} tcp dport ${port} tcp sport { ${ports.join()} } drop`],
    ['input', `ip saddr ${hostname} tcp sport ${port} tcp dport { ${ports.join()} } drop`],
  ]);
  return {
    what: `what ${node.name} has open to etcd is dead`,
    act: () => filter.put(),
    // A rule that cannot be put is an error, and whether it is met is up to the daemon's keep-alives.
    proof: async () => true,
    undo: () => filter.remove(),
  };
}

/** Neither open connections to etcd nor new ones work; `endpoint` is etcd's URL as the node knows it. */
export function cutEtcd(node: NodeHandle, endpoint: string, mode: CutMode): Injection {
  const { hostname, port } = new URL(endpoint);
  const verdict = mode === 'refuse' ? 'reject with tcp reset' : 'drop';
  const filter = packetFilter(node, [
    ['output', `ip daddr ${hostname} tcp dport ${port} ${verdict}`],
    ['input', `ip saddr ${hostname} tcp sport ${port} ${verdict}`],
  ]);
  const connections = `ss -Htn state established dst ${hostname} dport = :${port}`;
  const end = `ss -K ${connections.slice('ss '.length)}`;
  const connect = `timeout 0.3 bash -c 'exec 3<>/dev/tcp/${hostname}/${port}'`;
  return {
    what: `${node.name} is cut off from etcd (${mode})`,
    act: async () => {
      await filter.put();
      // Otherwise a connection that only listens would not notice before its next keep-alive.
      if (mode === 'refuse') await node.run(['sh', '-c', end], { okCodes: anyCode });
    },
    proof: async () => {
      const left = mode === 'refuse' ? `[ -z "$(${connections})" ] &&` : '';
      const { code } = await node.run(['sh', '-c', `${left} ! ${connect} 2>/dev/null`], { okCodes: [0, 1] });
      return code === 0;
    },
    undo: () => filter.remove(),
  };
}

/** Nothing passes between the node and the others; without `others` nothing at all, etcd included. */
export function isolated(node: NodeHandle, witness: string, others: readonly string[] = []): Injection {
  const set = others.length > 0 ? `{ ${others.join(', ')} }` : '0.0.0.0/0';
  const filter = packetFilter(node, [
    ['prerouting', `iifname "eth0" ip saddr ${set} drop`],
    ['postrouting', `oifname "eth0" ip daddr ${set} drop`],
  ]);
  return {
    what: `${node.name} is cut off from ${others.join(', ') || 'everything'}`,
    act: () => filter.put(),
    proof: async () => {
      const { code } = await node.run(['ping', '-q', '-c', '1', '-W', '0.3', witness], { okCodes: [0, 1] });
      return code === 1;
    },
    undo: () => filter.remove(),
  };
}

/** Set down by hand. Mended as a network manager does it: up, and the default route put back. */
export async function linkDown(node: NodeHandle, dev: string): Promise<Injection> {
  const { stdout } = await node.run(['ip', '-4', 'route', 'show', 'default', 'dev', dev]);
  const gateway = /via (\S+)/.exec(stdout)?.[1];
  return {
    what: `${dev} of ${node.name} is down`,
    act: () => node.run(['ip', 'link', 'set', dev, 'down']),
    proof: async () => {
      const answer = await node.run(['ip', '-o', 'link', 'show', dev]);
      return answer.stdout.includes('state DOWN') || !/[<,]UP[,>]/.test(answer.stdout);
    },
    undo: async () => {
      await node.run(['ip', 'link', 'set', dev, 'up']);
      if (gateway) await node.run(['ip', 'route', 'replace', 'default', 'via', gateway, 'dev', dev]);
    },
  };
}

/** The uplink vanishes, and everything the kernel had on it; mended with a new device of the same name and address. */
export function unplugged(node: NodeHandle): Injection {
  return {
    what: `${node.name} has no eth0`,
    act: () => node.unplug(),
    proof: async () => (await node.run(['ip', 'link', 'show', 'eth0'], { okCodes: [0, 1] })).code === 1,
    undo: () => node.plug(),
  };
}

let tables = 0;

/** Rules in a table of their own, ahead of connection tracking and of everybody else's. */
function packetFilter(node: NodeHandle, rules: readonly (readonly [hook: string, rule: string])[]) {
  const name = `lab_fault_${process.pid}_${++tables}`;
  const chains = rules.map(
    ([hook, rule]) => `chain ${hook} { type filter hook ${hook} priority -310; ${rule}; }`,
  );
  return {
    put: () => node.run(['nft', '-f', '-'], { input: `table inet ${name} {\n${chains.join('\n')}\n}\n` }),
    remove: () => node.run(['nft', 'delete', 'table', 'inet', name]),
  };
}

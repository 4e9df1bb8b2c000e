// Whole nodes: crashed, rebooted, with their Docker engine restarted.
import { until } from '../../lib/wait.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { unlessOff } from '../drivers/node-off.ts';
import { daemonReady } from '../node-state.ts';
import { act, FaultUnavailable, nodeOf, type Scene, standing } from './kind.ts';

/** The node is off: its processes, devices, rules and /run are gone. Healed, it boots and starts what it ran. */
export const crash = standing({
  operands: '<node>',
  help: 'the node is off, with its processes, devices, rules and /run gone; healed, it boots',
  read: words => [words.node()],
  prepare: (_, node: NodeHandle) => ({ node: node.name }),
  make: (scene, { node: name }) => {
    const node = nodeOf(scene, name);
    return {
      what: `${name} is off`,
      act: () => powerOff(scene, node),
      proof: async () => !(await isOn(node)),
      undo: () => powerOn(scene, node),
    };
  },
});

/** The node crashes and boots; resolves when its daemon is ready and its containers run again. */
export const reboot = act({
  operands: '<node>',
  help: 'the node crashes, boots and starts its daemon and containers again',
  read: words => [words.node()],
  what: (node: NodeHandle) => `${node.name} crashes and boots`,
  act: async (scene, node: NodeHandle) => {
    await powerOff(scene, node);
    await powerOn(scene, node);
  },
});

async function powerOff(scene: Scene, node: NodeHandle): Promise<void> {
  await node.crash();
  await scene.save();
}

async function powerOn(scene: Scene, node: NodeHandle): Promise<void> {
  const { signal } = scene;
  if (!(await isOn(node))) await node.boot(signal);
  await scene.save();
  await node.daemon.start();
  await daemonReady(node, signal);
  if (!node.plan.docker) return;
  await node.dockerReady(signal);
  for (const { name } of [...node.workloads]) await node.startWorkload(name.split('/')[1] ?? name, signal);
  await scene.save();
}

/** Off, a node runs no commands. */
function isOn(node: NodeHandle): Promise<boolean> {
  const answers = node.run(['true']).then(() => true);
  return unlessOff(answers, false);
}

/** dockerd is restarted, and its containers with it; resolves when they run again. */
export const restartDocker = act({
  operands: '<node>',
  help: 'the Docker engine of the node is restarted, and its containers with it',
  read: words => [words.node()],
  what: (node: NodeHandle) => `docker is restarted on ${node.name}`,
  act: async (scene, node: NodeHandle) => {
    if (scene.site.driver !== 'docker' || !node.plan.docker) {
      throw new FaultUnavailable(
        `no dockerd runs on ${node.name}: its docker0 is a bridge, its containers namespaces`,
        {
          hint: 'lab up --driver docker',
        },
      );
    }
    const engine = async () =>
      (await node.run(['systemctl', 'show', 'docker', '--property', 'MainPID', '--value'])).stdout.trim();
    const before = await engine();
    await node.run(['systemctl', 'restart', 'docker'], { timeout: 60_000, signal: scene.signal });
    const restarted = async () => ((await engine()) !== before ? true : undefined);
    await until(restarted, { what: `another dockerd on ${node.name}`, timeout: 5000, signal: scene.signal });
    await Promise.all(node.workloads.map(workload => workloadRuns(workload.name, workload, scene.signal)));
  },
});

function workloadRuns(name: string, workload: NodeHandle['workloads'][number], signal: AbortSignal) {
  const runs = () => workload.run(['ip', 'link', 'show', 'eth0']).then(() => true);
  return until(runs, { what: `${name} to run again`, timeout: 30_000, signal });
}

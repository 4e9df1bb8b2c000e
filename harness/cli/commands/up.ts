// lab up: a cluster that stays until `lab down`.
import { Cluster } from '../../cluster.ts';
import { readyDriver } from '../../drivers/index.ts';
import { Evidence } from '../../evidence/evidence.ts';
import { labCommand } from '../../reproduce.ts';
import { specFlags, specFromFlags } from '../cluster-flags.ts';
import type { Command } from '../command.ts';

export const up: Command = {
  name: 'up',
  summary: 'bring up a cluster that stays',
  flags: specFlags,

  async run({ args, out, signal }) {
    const spec = await specFromFlags(args, { keep: true, name: 'lab' });
    const driver = await readyDriver(spec.driver);
    const about = { title: 'lab up', reproduce: labCommand('up', spec) };
    const onFailure = async (failed: Cluster, error: unknown) => {
      const { lines } = await Evidence.collect(failed, error, about);
      for (const line of [...lines.split('\n'), `reproduce: ${about.reproduce}`]) out.progress(line);
    };
    const cluster = await Cluster.up(spec, driver, { signal, progress: out.progress, onFailure });
    await cluster.store[Symbol.asyncDispose]();
    const nodes = cluster.nodes.map(({ name, address, workloads }) => ({
      name,
      address,
      workloads: workloads.map(workload => ({ name: workload.name, address: workload.address })),
    }));
    out.data({ name: spec.name, driver: spec.driver, backend: spec.config.Backend.Type, nodes });
    out.line(`cluster ${spec.name} is up: ${nodes.map(node => `${node.name} (${node.address})`).join(', ')}`);
    const named = spec.name === 'lab' ? '' : ` --name ${spec.name}`;
    out.line(
      `  npm run lab -- ping${named}\n  npm run lab -- shell${named} node1\n  npm run lab -- down${named}`,
    );
    return 0;
  },
};

// lab ls: the clusters on this machine.

import { table } from '../../../lib/table.ts';
import { isAbandoned } from '../../owner.ts';
import { allRecords, type ClusterRecord, isHalfMade } from '../../registry.ts';
import type { Command } from '../command.ts';

export const ls: Command = {
  name: 'ls',
  summary: 'list clusters',
  flags: {},

  async run({ out }) {
    const clusters = (await allRecords()).map(describe);
    out.data({ clusters });
    const rows = clusters.map(({ name, driver, backend, nodes, etcdMembers, since, state }) => [
      name,
      driver,
      backend,
      String(nodes),
      String(etcdMembers),
      since,
      state,
    ]);
    out.line(
      clusters.length === 0
        ? 'no clusters'
        : table([['NAME', 'DRIVER', 'BACKEND', 'NODES', 'ETCD', 'SINCE', 'STATE'], ...rows]),
    );
    return 0;
  },
};

function describe(record: ClusterRecord) {
  const { spec, owner, since, making } = record;
  const isDead = isAbandoned(owner) || isHalfMade(record);
  const state = isDead ? 'abandoned: lab gc' : making ? 'coming up' : 'up';
  return {
    name: spec.name,
    driver: spec.driver,
    backend: spec.config.Backend.Type,
    nodes: spec.nodes,
    etcdMembers: spec.etcdMembers,
    since,
    state,
  };
}

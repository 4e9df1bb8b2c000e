// What is configured is looked at to the end, however long a busy machine takes; only packets have a time limit.
import { expect, test } from 'vitest';
import { sleep } from '../../lib/wait.ts';
import type { NodeHandle, WorkloadHandle } from '../drivers/driver.ts';
import type { NodeFacts } from './facts.ts';
import { type Change, side } from './sides.fixture.ts';
import { type Limits, type Traceable, Tracer } from './trace.ts';

/** Milliseconds. */
interface Slowness {
  readonly facts?: number;
  readonly probes?: number;
}

const config = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };

/** Answers of a node, in the order of the questions. */
function answers({ links, routes, neighbours, fdb, sysctls }: NodeFacts): string {
  const text = [...sysctls].map(([path, value]) => `${path}:${value}`).join('\n');
  const json = [links, routes, neighbours, fdb].map(each => JSON.stringify(each));
  return [...json, '', '', text, '', '', '', ''].join('--- next ---\n');
}

/** A place that says this of itself, and where no ping comes back. */
function place(name: string, said: string, { facts = 0, probes = 0 }: Slowness): Partial<WorkloadHandle> {
  return {
    name,
    run: async argv => {
      const isAsked = argv.join(' ').includes('ip -j -d address');
      await sleep(isAsked ? facts : probes);
      const stdout = isAsked ? said : argv[0] === 'ping' ? '2 transmitted, 0 received' : '';
      return { code: 0, stdout, stderr: '' };
    },
  };
}

function cluster(change: Change, slow: Slowness): Traceable {
  const sides = [side(1, 2, 'vxlan', change), side(2, 1, 'vxlan')];
  const nodes = sides.map(({ node, container, address, publicIp, facts, inside }) => {
    const said = [inside.links, inside.routes].map(each => JSON.stringify(each)).join('--- next ---\n');
    const workload = { ...place(container, said, slow), address };
    return { ...place(node, answers(facts), slow), address: publicIp, workloads: [workload] };
  });
  const leases = sides.flatMap(({ lease }) => lease ?? []);
  return {
    nodes: nodes as unknown as readonly NodeHandle[],
    store: { leases: async () => leases, config: async () => config },
    config,
  };
}

async function verdict(change: Change, slow: Slowness, limits: Partial<Limits> = {}) {
  const { nodes, ...rest } = cluster(change, slow);
  await using tracer = new Tracer({ nodes, ...rest }, limits);
  const [from, to] = nodes.map(({ workloads }) => workloads[0]);
  if (!from || !to) throw new Error('there are no containers');
  return tracer.trace(from, to);
}

const withoutFdb = { fdb: [] };
const cause = 'no-fdb';

test('nodes that take longer to answer than packets are given', async () => {
  const { blame, means } = await verdict(withoutFdb, { facts: 150 }, { probing: 100 });
  expect(blame).toMatchObject({ node: 'node1', cause });
  const why = 'the nodes have taken all the time to answer';
  expect(means).toContainEqual({ name: 'counters', used: false, why });
  expect(means).toContainEqual({ name: 'configuration', used: true });
});

test('packets that take too long: what is configured says why they are lost, and the verdict what it did without', async () => {
  const { outcome, blame, remarks, means } = await verdict(
    withoutFdb,
    { probes: 300 },
    { probing: 100, summing: 10 },
  );
  expect({ outcome, node: blame?.node, cause: blame?.cause }).toEqual({
    outcome: 'lost',
    node: 'node1',
    cause,
  });
  expect(remarks.join()).toContain('nothing but what is configured was looked at');
  expect(means).toContainEqual({ name: 'configuration', used: true });
  expect(means).toContainEqual({
    name: 'counters',
    used: false,
    why: expect.stringMatching(/^the marked pings took longer than \d+ ms$/),
  });
});

test('no time to listen: that is told, too', async () => {
  const { blame, means } = await verdict({}, { probes: 20 }, { probing: 500, listening: 800 });
  expect(blame?.cause).toBe('unexplained');
  for (const name of ['packet filter trace', 'drop tracepoint', 'capture'])
    expect(means).toContainEqual({ name, used: false, why: 'there was no time left' });
});

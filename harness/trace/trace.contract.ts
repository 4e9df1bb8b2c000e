// Every cause the hop verdict tells apart, broken on a real cluster: the right node, direction and cause, in time.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../cluster.ts';
import { clusterSpec } from '../cluster-spec.ts';
import type { Driver } from '../drivers/driver.ts';
import { Evidence } from '../evidence/evidence.ts';
import { onEveryDriver } from '../vitest/platforms.ts';
import { frozen } from './injections/faults.ts';
import { canBeFound, type InjectionSuite, injectionSuites, onceEach } from './injections/index.ts';
import { traced, verdictOn } from './injections/inject.ts';
import { mismatches } from './injections/injection.ts';
import { verdictLine } from './verdict.ts';

const signal = AbortSignal.timeout(900_000);

onEveryDriver(driver => {
  const suites = onceEach(injectionSuites).filter(suite => suite.driver === driver.name);
  describe.each(suites)('$name', suite => verdictsOf(driver, suite));
});

function verdictsOf(
  driver: Driver,
  { name, backend, options = {}, nodes, injections }: InjectionSuite,
): void {
  let cluster: Cluster;

  beforeAll(async () => {
    const config = { Backend: options };
    const spec = clusterSpec({
      name: `trace-${driver.name}-${injectionSuites.findIndex(suite => suite.name === name)}`,
      driver: driver.name,
      nodes,
      backend,
      config,
    });
    cluster = await Cluster.up(spec, driver, { signal });
    await cluster.expectReachable();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('all is well', async () => {
    const { outcome, remarks, findings, means } = await traced(cluster);
    expect({ outcome, remarks }).toEqual({ outcome: 'reached', remarks: [] });
    expect(means.filter(({ used }) => used).map(each => each.name)).toEqual([
      'leases',
      'configuration',
      'counters',
    ]);
    // docker sets the policy DROP where it turns forwarding on; rules before it may accept everything all the same.
    const wrong = Object.values(findings).flatMap(found => found.filter(({ filter }) => !filter));
    expect(wrong).toEqual([]);
  });

  test.for(injections)('$name', async (injection, { skip }) => {
    if (!(await canBeFound(injection))) skip();
    const verdict = await verdictOn(cluster, injection);
    expect(mismatches(verdict, injection.expected), verdictLine(verdict)).toEqual([]);
  });

  if (name === 'vxlan') aroundIt(() => cluster);

  test('nothing of ours is left on nodes and in containers', async () => {
    for (const one of [...cluster.nodes, ...cluster.workloads]) {
      expect((await one.run(['nft', 'list', 'tables'])).stdout).not.toContain('lab_trace');
    }
  });
}

/** What there is besides verdicts on causes. */
function aroundIt(cluster: () => Cluster): void {
  test('FORWARD policy DROP that a rule makes harmless is not to blame', async () => {
    await using _drop = await cluster().fault.dropForwarding(cluster().node('node2'));
    const verdict = await traced(cluster());
    expect(verdictLine(verdict)).toBe('node1/a reaches node2/a');
    expect(verdict).toMatchObject({ outcome: 'reached', remarks: [] });
  });

  test('a verdict is one line that names the rule and the command that shows it', async () => {
    const [policy] = injectionSuites.flatMap(({ injections }) =>
      injections.filter(({ name }) => name.startsWith('FORWARD policy DROP')),
    );
    if (!policy) return expect.unreachable();
    expect(verdictLine(await verdictOn(cluster(), policy))).toBe(
      'request lost on node2 between flannel.1 and docker0: FORWARD policy DROP (nft: filter/FORWARD)' +
        ' (on node2: nft list chain ip filter FORWARD)',
    );
  });

  test('etcd that does not answer', async () => {
    await using _paused = await cluster().fault.pauseEtcd();
    const verdict = await traced(cluster());
    expect(verdict.outcome).toBe('reached');
    expect(verdict.remarks.join()).toContain('leases are taken from subnet.env');
    expect(verdict.seconds).toBeLessThan(3);
  });

  test('a matrix that fails has a verdict for its cells', async () => {
    const node2 = cluster().node('node2');
    const forward = (value: 0 | 1) => node2.run(['sh', '-c', `echo ${value} >/proc/sys/net/ipv4/ip_forward`]);
    await using _frozen = await frozen(cluster(), [node2]);
    await forward(0);
    const failure = await cluster()
      .expectReachable({ timeout: 500 })
      .catch(error => error as Error);
    const evidence = await Evidence.collect(cluster(), failure, {
      title: 'a matrix that fails',
      parent: await mkdtemp(join(tmpdir(), 'evidence-')),
    });
    await forward(1);
    const line = 'node1/a to node2/a: request lost on node2 between flannel.1 and docker0: ip_forward is off';
    expect(String(failure)).toContain(line);
    expect(await readFile(join(evidence.folder, 'verdicts.txt'), 'utf8')).toContain(line);
    await rm(dirname(evidence.folder), { recursive: true });
    await cluster().expectReachable();
    expect(String(failure)).toContain('pairs are not as expected');
  });
}

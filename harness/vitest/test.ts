// The vitest side of the harness: a `cluster` fixture that comes up before the test and goes away after it.
import { createHash } from 'node:crypto';
import { test as base, type TestContext } from 'vitest';
import { describeError } from '../../lib/errors.ts';
import { Cluster } from '../cluster.ts';
import { type ClusterSpec, clusterSpec, type SpecInput } from '../cluster-spec.ts';
import { readyDriver } from '../drivers/index.ts';
import { collectEvidence } from '../evidence.ts';
import { survivors } from '../janitor.ts';
import type { Platform } from './platforms.ts';

/** What a scenario may say of its cluster; the platform says the rest. */
export type ScenarioSpec = Omit<SpecInput, 'driver' | 'backend' | 'name' | 'keep'>;

export interface Fixtures {
  readonly platform: Platform;
  readonly spec: ScenarioSpec;
  readonly cluster: Cluster;
}

/** KEEP=1 leaves the cluster of a failed test running, and says how to look at it. */
const keep = process.env.KEEP === '1';

export const test = base.extend<Fixtures>({
  platform: { driver: 'netns', backend: 'vxlan' },
  spec: {},
  cluster: async ({ platform, spec, task, signal }, use) => {
    const wanted = clusterSpec({
      ...spec,
      ...platform,
      daemons: daemons(spec),
      name: clusterName(task.id),
      keep,
    });
    const cluster = await bringUp(wanted, signal);
    await use(cluster);
    const failed = task.result?.state === 'fail';
    if (failed) await reportFailure(cluster, task);
    if (failed && keep) return;
    await cluster[Symbol.asyncDispose]();
    await expectNothingLeft(wanted.name);
  },
});

async function bringUp(spec: ClusterSpec, signal: AbortSignal): Promise<Cluster> {
  const driver = await readyDriver(spec.driver);
  let evidence = '';
  const onFailure = async (cluster: Cluster, error: unknown) => {
    evidence = `\nevidence: ${await collectEvidence(cluster, error)}`;
  };
  return Cluster.up(spec, driver, { signal, onFailure }).catch(error => {
    throw new Error(`the cluster did not come up: ${describeError(error)}${evidence}`, { cause: error });
  });
}

async function reportFailure(cluster: Cluster, task: TestContext['task']): Promise<void> {
  const [error] = task.result?.errors ?? [];
  if (!error) return;
  const { driver, config, name } = cluster.spec;
  error.message += `
evidence:  ${await collectEvidence(cluster, error.message)}
reproduce: DRIVER=${driver} BACKEND=${config.Backend.Type} npm run scenarios -- -t ${JSON.stringify(task.name)}`;
  if (keep)
    error.message += `\nkept:      npm run lab -- shell --name ${name} node1   # then: npm run lab -- down --name ${name}`;
}

/** A scenario that leaves something behind has failed, whatever else it showed. */
async function expectNothingLeft(name: string): Promise<void> {
  const left = (await survivors()).filter(({ owner }) => owner.cluster === name);
  if (left.length > 0)
    throw new Error(`cluster ${name} left behind: ${left.map(({ what }) => what).join(', ')}`);
}

/** DAEMON=bin:/path/to/flanneld in the environment puts another daemon under test. */
function daemons(spec: ScenarioSpec): Readonly<Record<string, string>> {
  return { default: process.env.DAEMON ?? 'ts', ...spec.daemons };
}

/** Unique among workers and test runs, and the same length always. */
function clusterName(taskId: string): string {
  return `t-${createHash('sha256').update(`${process.pid} ${taskId}`).digest('hex').slice(0, 10)}`;
}

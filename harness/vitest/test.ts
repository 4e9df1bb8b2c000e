// The vitest side of the harness: a `cluster` fixture that comes up before the test and goes away after it.
import { createHash } from 'node:crypto';
import { test as base, expect, type TestContext } from 'vitest';
import { describeError } from '../../lib/errors.ts';
import { until } from '../../lib/wait.ts';
import { Cluster } from '../cluster.ts';
import { type ClusterSpec, clusterSpec, type SpecInput } from '../cluster-spec.ts';
import { readyDriver } from '../drivers/index.ts';
import { CheckFailures, patienceFrom } from '../evidence/check-failures.ts';
import { Evidence } from '../evidence/evidence.ts';
import { leftOf, marksOf, straysHere } from '../janitor.ts';
import { scenarioCommand } from '../reproduce.ts';
import type { WatchSpec } from '../watch/watch-spec.ts';
import { audited } from './ledger.ts';
import { provePingsFail } from './ping-proof.ts';
import type { Platform } from './platforms.ts';
import { endWatch, watchOf } from './watched.ts';

/** What a scenario may say of its cluster; the platform says the rest. */
export type ScenarioSpec = Omit<SpecInput, 'driver' | 'backend' | 'name' | 'keep'> & {
  /** How it is watched; false: not at all. */
  readonly watch?: WatchSpec | false;
};

export interface Fixtures {
  readonly platform: Platform;
  readonly spec: ScenarioSpec;
  /** Why a scenario that checks nothing is worth something all the same; empty when it is to check something. */
  readonly unchecked: string;
  readonly cluster: Cluster;
}

/** KEEP=1 leaves the cluster of a failed test running, and says how to look at it. */
const keep = process.env.KEEP === '1';
/** CAPTURE=1 keeps the last packets of each node for the evidence. */
const capture = process.env.CAPTURE === '1';

export const test = base.extend<Fixtures>({
  platform: { driver: 'netns', backend: 'vxlan' },
  spec: {},
  unchecked: '',
  cluster: async ({ platform, spec: { watch, ...spec }, unchecked, task, signal }, use) => {
    const wanted = clusterSpec({
      capture,
      ...spec,
      ...platform,
      daemons: daemons(spec),
      name: clusterName(task.id),
      keep,
    });
    strayedBefore ??= straysHere();
    await strayedBefore;
    const about = { title: task.name, reproduce: scenarioCommand(wanted, task.name) };
    const patience = () => Math.min(patienceFrom(), left(task));
    const failures = new CheckFailures({ ...about, signal, patience });
    const cluster = await bringUp(wanted, signal, failures, about, watchOf(watch));
    const { audited: subject, account } = audited(cluster);
    const proof = provePingsFail(`${platform.driver} ${platform.backend}`, cluster.workloads[0]);
    proof.catch(() => {}); // it is awaited below
    await use(subject);
    // Now: what is still asked gets its answer, of a kind, when the cluster goes.
    const problems = account.problems(expect.getState().assertionCalls);
    const violation = await endWatch(cluster, task);
    const error = violation ?? task.result?.errors?.[0];
    if (error) await reportFailure(cluster, error, task, failures);
    else await failures.discard();
    if (!error || !keep) {
      const marks = await marksOf(wanted.name);
      await cluster[Symbol.asyncDispose]();
      await expectNothingLeft(wanted.name, marks);
    }
    if (violation) throw violation;
    await proof;
    if (!error && unchecked === '') expectShown(problems);
  },
});

/** Milliseconds of the test's own time that can be spent on looking again; evidence and mending need the rest. */
function left({ result, timeout }: TestContext['task']): number {
  const reserve = 15_000;
  return (result?.startTime ?? Date.now()) + timeout - reserve - Date.now();
}

async function bringUp(
  spec: ClusterSpec,
  signal: AbortSignal,
  { take: onCheckFailure }: CheckFailures,
  about: { readonly title: string; readonly reproduce: string },
  watch: WatchSpec | undefined,
): Promise<Cluster> {
  const driver = await readyDriver(spec.driver);
  let where = '';
  const onFailure = async (cluster: Cluster, error: unknown) => {
    where = `\n${(await Evidence.collect(cluster, error, about)).lines}\nreproduce: ${about.reproduce}`;
  };
  return Cluster.up(spec, driver, { signal, onFailure, onCheckFailure, remember: true, watch }).catch(
    error => {
      throw new Error(`the cluster did not come up: ${describeError(error)}${where}`, { cause: error });
    },
  );
}

async function reportFailure(
  cluster: Cluster,
  error: { message: string },
  task: TestContext['task'],
  failures: CheckFailures,
): Promise<void> {
  const evidence = await failures.evidenceOf(cluster, error.message);
  error.message += `\n${evidence.lines}\nreproduce: ${scenarioCommand(cluster.spec, task.name)}`;
  if (keep)
    error.message += `\nkept:      npm run lab -- shell --name ${cluster.spec.name} node1   # then: npm run lab -- down --name ${cluster.spec.name}`;
}

/** Of this process, before its first cluster. */
let strayedBefore: Promise<readonly string[]> | undefined;

/** A scenario that leaves something behind has failed, whatever else it showed. */
async function expectNothingLeft(name: string, marks: readonly string[]): Promise<void> {
  let left: readonly string[] = [];
  const gone = async () => {
    const [own, strays, usual] = await Promise.all([leftOf(name, marks), straysHere(), strayedBefore]);
    left = [...own, ...strays.filter(stray => !usual?.includes(stray))];
    return left.length === 0 ? true : undefined;
  };
  // Processes take a moment to end, and what was theirs another.
  await until(gone, { what: 'everything to be gone', timeout: 3000, interval: 50 }).catch(cause => {
    throw new Error(`cluster ${name} left behind: ${left.join(', ')}`, { cause });
  });
}

/** A scenario that passed because it asked nothing has failed. */
function expectShown(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`this scenario passed, and shows nothing: ${problems.join('; ')}`);
}

/** DAEMON=bin:/path/to/flanneld in the environment puts another daemon under test. */
function daemons(spec: ScenarioSpec): Readonly<Record<string, string>> {
  return { default: process.env.DAEMON ?? 'ts', ...spec.daemons };
}

/** Unique among workers and test runs, and the same length always. */
function clusterName(taskId: string): string {
  return `t-${createHash('sha256').update(`${process.pid} ${taskId}`).digest('hex').slice(0, 10)}`;
}

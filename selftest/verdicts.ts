// Makes each cause on a real cluster and compares the verdict.
import { Cluster } from '../harness/cluster.ts';
import { clusterSpec } from '../harness/cluster-spec.ts';
import { readyDriver } from '../harness/drivers/index.ts';
import { canBeFound, type InjectionSuite } from '../harness/trace/injections/index.ts';
import { verdictOn } from '../harness/trace/injections/inject.ts';
import { type CauseInjection, mismatches } from '../harness/trace/injections/injection.ts';
import { verdictLine } from '../harness/trace/verdict.ts';
import { describeError } from '../lib/errors.ts';
import type { Detail } from './figures.ts';

/** One cluster for all of them; a cause that could not be made counts as a wrong verdict. */
export async function tryVerdicts(
  { name: suite, driver, backend, options = {}, nodes, injections }: InjectionSuite,
  signal: AbortSignal,
  done: (detail: Detail) => void,
): Promise<void> {
  const config = { Backend: options };
  const name = `selftest-${process.pid}`;
  const spec = clusterSpec({ name, driver, nodes, backend, config });
  await using cluster = await Cluster.up(spec, await readyDriver(driver), { signal });
  await cluster.expectReachable();
  for (const injection of injections) {
    signal.throwIfAborted();
    if (!(await canBeFound(injection))) continue;
    done(await tried(cluster, suite, injection));
  }
}

async function tried(cluster: Cluster, suite: string, injection: CauseInjection): Promise<Detail> {
  const name = `${suite}: ${injection.name}`;
  try {
    const verdict = await verdictOn(cluster, injection);
    const wrong = mismatches(verdict, injection.expected);
    const [outcome, why] =
      wrong.length === 0
        ? ['right', verdictLine(verdict)]
        : ['wrong', `${wrong.join(', ')} (${verdictLine(verdict)})`];
    return { kind: 'verdict', name, ok: wrong.length === 0, outcome, why, seconds: verdict.seconds };
  } catch (error) {
    return { kind: 'verdict', name, ok: false, outcome: 'wrong', why: describeError(error), seconds: 0 };
  }
}

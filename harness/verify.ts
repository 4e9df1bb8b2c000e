// Brings a cluster up, checks it, takes it down, and tells the result as data: `lab verify`.
import { describeError } from '../lib/errors.ts';
import { type Matrix, UnreachableError, wrongCells } from './checks/reachability.ts';
import type { NodeFacts } from './checks/subnets.ts';
import { Cluster } from './cluster.ts';
import type { ClusterSpec } from './cluster-spec.ts';
import { readyDriver } from './drivers/index.ts';
import { CheckFailures, patienceFrom } from './evidence/check-failures.ts';
import { labCommand } from './reproduce.ts';
import { leaseText } from './stored-lease.ts';

/** The stable shape of `lab verify --json`. */
export interface Verdict {
  readonly ok: boolean;
  readonly driver: string;
  readonly backend: string;
  /** The reference most nodes run. */
  readonly daemon: string;
  readonly nodes: readonly NodeReport[];
  /** Ordered pairs of containers on different nodes. */
  readonly pings: { readonly pairs: number; readonly failed: number };
  readonly seconds: {
    readonly up: number;
    readonly verify: number;
    readonly down: number;
    readonly total: number;
  };
  /** Absent when ok. */
  readonly failures?: readonly string[];
  /** Folder with everything collected, when not ok. */
  readonly evidence: string | null;
  /** The command that shows it again, when not ok. */
  readonly reproduce?: string;
}

export interface NodeReport {
  readonly name: string;
  readonly daemon: string;
  readonly lease: string | null;
  readonly docker0: string | null;
  readonly mtu: number | null;
}

export interface Verification {
  readonly verdict: Verdict;
  readonly matrix: Matrix;
}

interface Findings {
  nodes: readonly NodeReport[];
  matrix: Matrix;
  failures: string[];
  evidence: string | null;
}

export async function verify(
  spec: ClusterSpec,
  signal: AbortSignal,
  progress: (text: string) => void,
): Promise<Verification> {
  const clock = stopwatch();
  const findings: Findings = { nodes: [], matrix: [], failures: [], evidence: null };
  const driver = await readyDriver(spec.driver);
  const about = { title: 'lab verify', reproduce: labCommand('verify', spec) };
  const patience = () => {
    progress('a check has failed; looking on whether it is only slow');
    return patienceFrom();
  };
  const checks = new CheckFailures({ ...about, signal, patience });
  const fail = async (cluster: Cluster, error: unknown) => {
    findings.failures.push(describeError(error));
    findings.evidence ??= (await checks.evidenceOf(cluster, describeError(error))).folder;
  };
  const options = { signal, progress, onFailure: fail, onCheckFailure: checks.take };
  const cluster = await Cluster.up(spec, driver, options).catch(error => {
    if (findings.failures.length === 0 || signal.aborted) throw error;
    return undefined;
  });
  const up = clock();
  if (cluster) {
    await check(cluster, findings, error => fail(cluster, error), signal);
    progress('checked');
  }
  const checked = clock();
  await cluster?.[Symbol.asyncDispose]();
  signal.throwIfAborted();
  const total = clock();
  const seconds = { up, verify: round(checked - up), down: round(total - checked), total };
  return { verdict: verdict(spec, findings, seconds), matrix: findings.matrix };
}

async function check(
  cluster: Cluster,
  findings: Findings,
  fail: (error: unknown) => Promise<void>,
  signal: AbortSignal,
) {
  const subnets = cluster.expectUniqueSubnets().then(facts => {
    findings.nodes = facts.map(fact => nodeReport(fact, cluster.spec));
  });
  const pings = cluster.expectReachable().then(matrix => {
    findings.matrix = matrix;
  });
  for (const result of await Promise.allSettled([subnets, pings])) {
    if (result.status === 'fulfilled' || signal.aborted) continue;
    if (result.reason instanceof UnreachableError) findings.matrix = result.reason.matrix;
    await fail(result.reason);
  }
}

function nodeReport({ name, lease, docker0 }: NodeFacts, { daemons }: ClusterSpec): NodeReport {
  return {
    name,
    daemon: daemons[name] ?? daemons.default,
    lease: lease ? leaseText(lease) : null,
    docker0: docker0?.address ?? null,
    mtu: docker0?.mtu ?? null,
  };
}

function verdict(spec: ClusterSpec, findings: Findings, seconds: Verdict['seconds']): Verdict {
  const { nodes, matrix, failures, evidence } = findings;
  const ok = failures.length === 0;
  return {
    ok,
    driver: spec.driver,
    backend: spec.config.Backend.Type,
    daemon: spec.daemons.default,
    nodes,
    pings: { pairs: matrix.length, failed: wrongCells(matrix).length },
    seconds,
    ...(ok ? {} : { failures }),
    evidence,
    ...(ok ? {} : { reproduce: labCommand('verify', spec) }),
  };
}

function stopwatch(): () => number {
  const started = performance.now();
  return () => round((performance.now() - started) / 1000);
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

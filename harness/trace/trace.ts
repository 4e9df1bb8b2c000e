// Traces pings from one container to another: facts of both ends, marked pings, and the verdict on the two.
import { describeError } from '../../lib/errors.ts';
import { within } from '../../lib/wait.ts';
import type { NetworkConfig } from '../cluster-spec.ts';
import type { NodeHandle, WorkloadHandle } from '../drivers/driver.ts';
import type { Store } from '../store.ts';
import type { StoredLease } from '../stored-lease.ts';
import { findingsOn } from './checks/index.ts';
import { containerFacts, type NodeFacts, nodeFacts } from './facts.ts';
import { nothingHeard } from './heard.ts';
import { type Evidence, explanation, inFilter, type Loss, lossIn, nodeOf, rewritingIn } from './loss.ts';
import { type Means, unused, used, withoutListening } from './means.ts';
import { pathBetween, type Side } from './path.ts';
import { Probe } from './probe.ts';
import { type Blame, blameFor, blameWithout, type Diagnosis, rewriter, type Verdict } from './verdict.ts';

/** What a tracer needs of a cluster. */
export interface Traceable {
  readonly nodes: readonly NodeHandle[];
  readonly store: Pick<Store, 'leases' | 'config'>;
  /** Of the cluster as it was made; etcd, when it answers, knows better. */
  readonly config: NetworkConfig;
}

/** Milliseconds. What is asked of nodes and etcd is asked to the end; these are for packets that are sent. */
export interface Limits {
  /** From the beginning of the trace: with what is below, a verdict takes less than three seconds. */
  readonly probing: number;
  /** Besides, for what was told in the last moment. */
  readonly summing: number;
  /** The least time in which pings are heard of. */
  readonly listening: number;
}

const usual: Limits = { probing: 2600, summing: 300, listening: 500 };
const etcdPatience = 500;

/** Traces that are made at the same time, and so share what they ask the nodes. */
export class Tracer implements AsyncDisposable {
  readonly #cluster: Traceable;
  readonly #limits: Limits;
  readonly #facts = new Map<string, Promise<NodeFacts>>();
  readonly #probes: Promise<unknown>[] = [];
  #records: Promise<Records> | undefined;

  constructor(cluster: Traceable, limits: Partial<Limits> = {}) {
    this.#cluster = cluster;
    this.#limits = { ...usual, ...limits };
  }

  async trace(from: WorkloadHandle, to: WorkloadHandle): Promise<Verdict> {
    const started = performance.now();
    const left = () => this.#limits.probing - (performance.now() - started);
    this.#records ??= records(this.#cluster);
    const gathered = await Promise.all([this.#records, this.#side(from), this.#side(to)]);
    const [{ config, remarks }, near, far] = gathered;
    const paths = {
      request: pathBetween(near, far, config),
      answer: pathBetween(far, near, config),
    };
    const findings = { request: findingsOn(paths.request), answer: findingsOn(paths.answer) };
    const diagnosis: Diagnosis = { paths, findings };
    const result =
      left() > 0
        ? await this.#inTime(this.#probe(diagnosis, from, to, left), left()).catch(error => ({
            ...blameWithout(diagnosis),
            ...onlyConfigured(describeError(error)),
          }))
        : { ...blameWithout(diagnosis), ...onlyConfigured('the nodes have taken all the time to answer') };
    return {
      from: from.name,
      to: to.name,
      ...result,
      findings,
      remarks: [...remarks, ...result.remarks],
      means: [
        remarks.length === 0 ? used('leases') : unused('leases', remarks.join('; ')),
        used('configuration'),
        ...result.means,
      ],
      seconds: Math.round(performance.now() - started) / 1000,
    };
  }

  /** Resolves when nothing of ours is left on the nodes: a probe that came too late still removes its tables. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Those that come too late add the removal of their tables while others are waited for.
    for (const done of this.#probes) await done.catch(() => {});
  }

  #inTime(probing: Promise<Outcome>, left: number): Promise<Outcome> {
    this.#probes.push(probing);
    return within(probing, left + this.#limits.summing, 'the marked pings');
  }

  async #probe(
    diagnosis: Diagnosis,
    from: WorkloadHandle,
    to: WorkloadHandle,
    left: () => number,
  ): Promise<Outcome> {
    const { paths } = diagnosis;
    const nodes = [this.#nodeOf(from), this.#nodeOf(to)];
    const probe = await Probe.start(paths, [...nodes, from, to]);
    try {
      return await this.#examine(probe, diagnosis, nodes, left);
    } finally {
      // A busy machine takes its time to remove the tables; the verdict is there.
      this.#probes.push(probe[Symbol.asyncDispose]());
    }
  }

  async #examine(
    probe: Probe,
    { paths, findings }: Diagnosis,
    nodes: readonly NodeHandle[],
    left: () => number,
  ): Promise<Outcome> {
    const evidence = await probe.ping();
    const remarks = [...probe.unwatched, ...mtuRemark(evidence)];
    const [why] = probe.unwatched;
    const counters: Means = why === undefined ? used('counters') : { name: 'counters', used: true, why };
    const listen = (loss: Loss) => this.#listen(probe, loss, nodes, left());
    const loss = lossIn(evidence, paths);
    if (loss) {
      const found = explanation(loss, findings[loss.direction]);
      const { heard, means } = !found || inFilter(loss) ? await listen(loss) : notAsked('the cause is known');
      const blame = blameFor(loss, findings[loss.direction], heard);
      return { outcome: 'lost', large: loss.large, blame, remarks, means: [counters, ...means] };
    }
    const rewriting = rewritingIn(evidence, paths.request);
    if (!rewriting) {
      const { means } = notAsked('nothing is lost');
      return { outcome: 'reached', large: false, remarks, means: [counters, ...means] };
    }
    const { heard, means } = await listen(rewriting);
    const blame = rewriter(rewriting, findings.request, heard);
    return { outcome: 'rewritten', large: false, blame, remarks, means: [counters, ...means] };
  }

  /** Nothing when there is no time for it: what was seen so far is a verdict, too. */
  async #listen(probe: Probe, loss: Loss, nodes: readonly NodeHandle[], left: number) {
    const suspect = nodes.find(({ name }) => name === nodeOf(loss));
    if (!suspect || left < this.#limits.listening) return notAsked('there was no time left');
    return probe.listen(loss, suspect, nodes, left).catch(error => notAsked(describeError(error)));
  }

  async #side(workload: WorkloadHandle): Promise<Side> {
    const node = this.#nodeOf(workload);
    const facts = this.#facts.get(node.name) ?? nodeFacts(node);
    this.#facts.set(node.name, facts);
    this.#records ??= records(this.#cluster);
    const [known, inside, { leases }] = await Promise.all([facts, containerFacts(workload), this.#records]);
    const lease = leases ? leases.find(({ publicIp }) => publicIp === node.address) : leaseBy(node, known);
    return {
      node: node.name,
      container: workload.name,
      address: workload.address,
      publicIp: node.address,
      facts: known,
      inside,
      lease,
    };
  }

  #nodeOf(workload: WorkloadHandle): NodeHandle {
    const found = this.#cluster.nodes.find(({ workloads }) => workloads.includes(workload));
    if (!found) throw new Error(`no node of the cluster has the container ${workload.name}`);
    return found;
  }
}

interface Outcome {
  readonly outcome: Verdict['outcome'];
  readonly large: boolean;
  readonly blame?: Blame;
  readonly remarks: readonly string[];
  readonly means: readonly Means[];
}

const notAsked = (why: string) => ({ heard: nothingHeard, means: withoutListening(why) });

function onlyConfigured(why: string): Pick<Outcome, 'remarks' | 'means'> {
  return {
    remarks: [`nothing but what is configured was looked at: ${why}`],
    means: [unused('counters', why), ...withoutListening(why)],
  };
}

interface Records {
  /** Undefined when etcd does not answer. */
  readonly leases: readonly StoredLease[] | undefined;
  readonly config: NetworkConfig;
  readonly remarks: readonly string[];
}

async function records({ store, config }: Traceable): Promise<Records> {
  try {
    const asked = Promise.all([store.leases(), store.config()]);
    const [leases, current] = await within(asked, etcdPatience, 'etcd');
    return { leases, config: current, remarks: [] };
  } catch (error) {
    const remark = `leases are taken from subnet.env of the nodes: ${describeError(error)}`;
    return { leases: undefined, config, remarks: [remark] };
  }
}

/** As its daemon has told the node; the record in etcd says more. */
function leaseBy(node: NodeHandle, { subnetEnv }: NodeFacts): StoredLease | undefined {
  if (!subnetEnv) return undefined;
  const { subnet } = subnetEnv;
  const unknown = { backendType: undefined, vtepMac: undefined, publicKey: undefined, value: '' };
  return { key: subnetEnv.gateway, subnet, publicIp: node.address, ...unknown };
}

/** A sender that is told adapts: no black hole. */
function mtuRemark({ large }: Evidence): readonly string[] {
  const { received, toldMtu } = large;
  if (received > 0 || toldMtu === undefined) return [];
  return [`packets of more than ${toldMtu} bytes are refused, and the sender is told so`];
}

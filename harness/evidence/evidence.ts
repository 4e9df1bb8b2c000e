// Everything one wants to look at after a failure, in one folder with a page about it, collected before anything is removed.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { within } from '../../lib/wait.ts';
import type { Cluster } from '../cluster.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { now } from '../journal.ts';
import type { EvidenceData, LogLine } from '../report/data.ts';
import { renderReport } from '../report/page.ts';
import type { StoreEvent } from '../store-history.ts';
import type { StoredLease } from '../stored-lease.ts';
import { cellLines } from '../trace/failed-cells.ts';
import { readCapture } from './capture.ts';
import { besideItself } from './compare.ts';
import { compareNodes, comparisonText } from './comparisons.ts';
import { memberStates } from './etcd-members.ts';
import { defaultLimits, Folder } from './folder.ts';
import { kernelLog, storeLines } from './lines.ts';
import { daemonLines } from './log-lines.ts';
import { nodeFiles } from './questions.ts';
import { type About, sketch, sketchNodes } from './sketch.ts';
import { type NodeState, readState } from './state.ts';

/** Milliseconds for each question. */
const limit = defaultLimits.time;

export interface EvidenceOptions extends About {
  /** Where the folder is made. Default `./evidence`. */
  readonly parent?: string;
}

/** Of the page in a folder of evidence, to click on. */
export function reportUrl(folder: string): string {
  return pathToFileURL(`${folder}/index.html`).href;
}

export class Evidence {
  readonly #folder: Folder;
  readonly #cluster: Cluster;
  #data: EvidenceData;
  #states: readonly NodeState[] = [];

  private constructor(cluster: Cluster, folder: Folder, failure: unknown, options: EvidenceOptions) {
    this.#cluster = cluster;
    this.#folder = folder;
    this.#data = sketch(cluster, failure, options);
  }

  /** Never rejects: what cannot be had is said in its file. `failure`: undefined when nothing failed and somebody asks. */
  static async collect(cluster: Cluster, failure: unknown, options: EvidenceOptions): Promise<Evidence> {
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
    const folder = new Folder(resolve(options.parent ?? 'evidence', `${cluster.spec.name}-${stamp}`));
    const evidence = new Evidence(cluster, folder, failure, options);
    await evidence.#collect();
    await evidence.#write();
    return evidence;
  }

  get folder(): string {
    return this.#folder.path;
  }

  /** Two lines for the end of a message: the folder, and the page as something to click on. */
  get lines(): string {
    return `evidence:  ${this.folder}\nreport:    ${reportUrl(this.folder)}`;
  }

  /** Notes what going on looking has come to, and how the nodes look by then. */
  async lookAgain(later: string): Promise<void> {
    const states = await this.#readStates('later/');
    const changes = states.flatMap(state => {
      const then = this.#states.find(({ node }) => node === state.node);
      return then ? [besideItself(then, state, 'when it failed, looked at again later')] : [];
    });
    this.#data = { ...this.#data, later, comparisons: [...this.#data.comparisons, ...changes] };
    await this.#write();
  }

  /** Writes the page again, with what has happened since and the message as it is in the end. */
  async finish(failure: string): Promise<void> {
    this.#data = { ...this.#data, failure };
    await this.#write();
  }

  /** For a failure that somebody expected. */
  async discard(): Promise<void> {
    await this.#folder.remove();
  }

  async #collect(): Promise<void> {
    const { nodes, store, spec, memory } = this.#cluster;
    const asked = nodes.flatMap(node =>
      nodeFiles(node, limit).map(([name, content]) => this.#save(`${node.name}/${name}`, content)),
    );
    const [leases, history, kernel, logs, states] = await Promise.all([
      within(store.leases(), limit, 'the leases').catch((): readonly StoredLease[] => []),
      this.#history(),
      this.#kernel(),
      Promise.all(nodes.map(node => this.#daemonLog(node))),
      this.#readStates(''),
      ...asked,
      ...(spec.capture ? nodes : []).map(node =>
        this.#folder.save(`${node.name}/eth0.pcap`, () => readCapture(node, limit)),
      ),
      ...this.#ownFiles(),
    ]);
    this.#states = states;
    const lines = [...storeLines(history, spec.etcdPrefix), ...logs.flat(), ...kernel];
    this.#data = { ...this.#data, nodes: sketchNodes(this.#cluster, leases, states), lines };
    const comparisons = compareNodes(this.#data, states, memory.lastGood);
    this.#data = { ...this.#data, comparisons };
    await this.#save('differences.txt', async () => comparisons.map(comparisonText).join('\n'));
  }

  /** What the harness knows, and what etcd says of itself. */
  #ownFiles(): readonly Promise<unknown>[] {
    const { spec, etcd, store, verdicts, memory } = this.#cluster;
    const known = [
      this.#saveJson('cluster.json', async () => spec),
      this.#saveJson('reachability.json', async () => memory.sweeps),
      ...etcd.map(member => this.#save(`${member.name}.log`, () => member.logs())),
      this.#saveJson('etcd-keys.json', () => store.dump()),
      ...(etcd.length > 1 ? [this.#saveJson('etcd-members.json', () => memberStates(this.#cluster))] : []),
    ];
    if (verdicts.length === 0) return known;
    const text = `${cellLines(verdicts).join('\n')}\n`;
    return [
      ...known,
      this.#save('verdicts.txt', async () => text),
      this.#saveJson('verdicts.json', async () => verdicts),
    ];
  }

  async #history(): Promise<readonly StoreEvent[]> {
    return (await this.#saveJson('etcd-history.json', () => this.#cluster.store.history())) ?? [];
  }

  async #kernel(): Promise<readonly LogLine[]> {
    const { nodes, since } = this.#cluster;
    const asked = kernelLog(nodes, since);
    await this.#save('dmesg.txt', async () => (await asked).text);
    return asked.then(
      ({ lines }) => lines,
      () => [],
    );
  }

  async #daemonLog(node: NodeHandle): Promise<readonly LogLine[]> {
    const text = await this.#save(`${node.name}/flanneld.log`, () => node.daemon.logs());
    return daemonLines(node.name, text ?? '', new Date().getUTCFullYear());
  }

  #save(path: string, content: () => Promise<string>): Promise<string | undefined> {
    return this.#folder.save(path, content);
  }

  async #saveJson<T>(path: string, content: () => Promise<T>): Promise<T | undefined> {
    const value = content();
    const text = await this.#save(path, async () => `${JSON.stringify(await value, null, 2)}\n`);
    return text === undefined ? undefined : value;
  }

  async #readStates(folder: string): Promise<readonly NodeState[]> {
    const states = this.#cluster.nodes.map(async node => {
      let state: NodeState | undefined;
      await this.#save(`${folder}${node.name}/state.txt`, async () => {
        state = await readState(node, limit);
        return `${state.lines.join('\n')}\n`;
      });
      return state;
    });
    return (await Promise.all(states)).filter(state => state !== undefined);
  }

  /** The page, and beside it what goes on growing. */
  async #write(): Promise<void> {
    const { journal, memory, watch } = this.#cluster;
    const watched = watch.wasStarted ? await this.#saveJson('watch.json', () => watch.report()) : undefined;
    const [happenings, sweeps] = [[...journal.happenings], [...memory.sweeps]];
    const outages = watched?.outages ?? [];
    this.#data = { ...this.#data, happenings, sweeps, outages, until: now() };
    await this.#saveJson('journal.json', async () => happenings);
    await this.#save('failure.txt', async () => `${this.#data.failure}\n`);
    const page = renderReport({ ...this.#data, files: this.#folder.files });
    await this.#folder.page('index.html', page).catch(() => {});
  }
}

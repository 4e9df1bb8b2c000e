// Faults for contract suites: made as by a command line, mended as by another process.
import { Cluster } from '../cluster.ts';
import { findRecord } from '../registry.ts';
import { begin, mend, type Recipe } from './faults.ts';
import { type KindName, kinds, wordOf } from './kinds.ts';
import { Words } from './words.ts';

/** `line`: the kind and its operands. Resolves with what is noted of a fault; undefined for what happens once. */
export async function makeFault(cluster: Cluster, line: string): Promise<Recipe | undefined> {
  const [, ...operands] = line.split(' ');
  const kind = kindOf(line);
  const members = cluster.etcd.map(({ name }) => name);
  const words = new Words(operands, { nodes: cluster.nodes, members }, line);
  const args = kinds[kind].read(words);
  words.end();
  let recipe: Recipe | undefined;
  await begin(cluster.scene, kind, args, async noted => {
    recipe = JSON.parse(JSON.stringify(noted));
  });
  return recipe;
}

/** Of a line that begins with its word. */
export function kindOf(line: string): KindName {
  const [word] = line.split(' ');
  const found = (Object.keys(kinds) as KindName[]).find(kind => wordOf(kind) === word);
  if (!found) throw new TypeError(`no fault is called ${word}`);
  return found;
}

/** As another process does, which knows the cluster by its record. */
export async function mendElsewhere(name: string, recipe: Recipe, signal: AbortSignal): Promise<void> {
  const record = await findRecord(name);
  if (!record) throw new Error(`${name} has no record`);
  const cluster = await Cluster.attach(record, signal);
  await using _store = cluster.store;
  await mend(cluster.scene, recipe);
}
